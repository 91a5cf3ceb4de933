"""How many bits of a perceptual hash may differ: what each choice finds of copies, and how often it takes
different pictures for one.

    PYTHONPATH=. python benchmarks/hashes.py --people mit_pedestrian > benchmarks/results/hashes.json

For each rate of mistakes that is allowed, the most bits that keep to it over all pairs of pictures.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from machine import provenance

from par_core.evaluate.leakage.pairs import COPIES
from par_core.evaluate.leakage.perceptual_hash import BITS, hash_distances, perceptual_hash
from par_core.types import ImageU8

RATES: Final = (1e-2, 1e-3, 1e-4)


def cropped_by_2_percent(image: ImageU8) -> ImageU8:
    """Without 2 % of each side."""
    y, x = (round(side * 0.02) for side in image.shape[:2])
    return np.ascontiguousarray(image[y : image.shape[0] - y, x : image.shape[1] - x])


KINDS: Final[dict[str, Callable[[ImageU8], ImageU8]]] = {
    **COPIES,
    "cropped by 2 % a side": cropped_by_2_percent,
}


def measured(folder: Path) -> dict[str, Any]:
    """The copies found and the mistakes at the bits that each rate allows; and the pairs of different files
    with equal hashes.
    """
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".jpg", ".png"))
    pictures = [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]
    hashes = np.array([perceptual_hash(picture) for picture in pictures], np.uint64)
    first, second = np.triu_indices(len(files), 1)
    apart = hash_distances(hashes[first], hashes[second])
    copies = {
        name: hash_distances(
            hashes, np.array([perceptual_hash(change(each)) for each in pictures], np.uint64)
        )
        for name, change in KINDS.items()
    }
    at_rate = {}
    for rate in RATES:
        bits = max(bits for bits in range(BITS) if (apart <= bits).mean() <= rate)
        at_rate[f"{rate:g}"] = {
            "bits": bits - bits % 2,  # half of the bits are set, so two hashes differ in an even number
            "mistaken": float((apart <= bits).mean()),
            "pairs": int((apart <= bits).sum()),
            "found": {name: float((distances <= bits).mean()) for name, distances in copies.items()},
        }
    equal = [[files[first[i]].name, files[second[i]].name] for i in np.flatnonzero(apart == 0)]
    return {"pictures": len(files), "pairs": len(apart), "at_rate": at_rate, "equal_hashes": equal}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=Path, required=True, help="folder of pictures of one person each")
    options = parser.parse_args()
    print(json.dumps({"part": "hashes", **measured(options.people), **provenance(0)}, indent=1))


if __name__ == "__main__":
    main()
