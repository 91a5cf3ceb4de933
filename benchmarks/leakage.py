"""How far embeddings tell copies of people's pictures from pictures of other people, against the perceptual
hash on the same pairs.

    PYTHONPATH=. python benchmarks/leakage.py --people held-out/mit_pedestrian held-out/ccp/photos >
    benchmarks/results/leakage.json

For each folder: copies of 60 pictures, made in five ways, against their originals; and all pairs of different
pictures, less those that the hash takes for one. Use people that the describer was not trained on.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from machine import provenance

from par_core.config import load_config
from par_core.errors import BadInputError
from par_core.evaluate.leakage.pairs import COPIES, copy_distances, other_distances
from par_core.evaluate.leakage.perceptual_hash import hash_distances, perceptual_hash
from par_core.evaluate.leakage.pictures import folder_part, picture_features
from par_core.evaluate.leakage.threshold import choose_threshold
from par_core.models.profiles import describe_models
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here

MAX_BITS = 10
RATES = (1e-1, 1e-2, 1e-3, 1e-4)


def measured(folder: Path, profile: str) -> dict[str, Any]:
    """Thresholds by rate, and the share of each kind of copy that they find."""
    config = load_config(profile=profile)
    part = folder_part(folder)

    with tempfile.TemporaryDirectory() as place:
        observer = PredictionCache(Path(place), compute_here)
        observations = picture_features(part.files, config, observer, embed=True)
        same = copy_distances(part.files, observations, config, observer)
    others = other_distances(part.identities, observations, MAX_BITS)
    at_rate: dict[str, Any] = {}
    for rate in RATES:
        try:
            threshold = choose_threshold(np.concatenate(list(same.values())), others, rate)
        except BadInputError:
            at_rate[f"{rate:g}"] = None
            continue
        found_of_copies = {name: float((apart <= threshold.distance).mean()) for name, apart in same.items()}
        at_rate[f"{rate:g}"] = {
            "max_distance": threshold.distance,
            "mistaken": threshold.mistaken,
            "found": found_of_copies,
            "found_of_all": threshold.found,
        }
    pictures = [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in part.files]
    hashes = np.array([perceptual_hash(picture) for picture in pictures], np.uint64)
    by_hash = {
        name: float(
            (
                hash_distances(
                    hashes, np.array([perceptual_hash(change(each)) for each in pictures], np.uint64)
                )
                <= MAX_BITS
            ).mean()
        )
        for name, change in COPIES.items()
    }
    return {
        "pictures": len(part.files),
        "known_others": len(others),
        "median_distance": {
            "copies": float(np.median(np.concatenate(list(same.values())))),
            "others": float(np.median(others)),
        },
        "embedding": at_rate,
        f"hash_up_to_{MAX_BITS}_bits": by_hash,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--people", type=Path, nargs="+", required=True, help="folders of pictures of one person each"
    )
    parser.add_argument("--profile", default="compact")
    options = parser.parse_args()
    figures = {
        f"{folder.parent.name}/{folder.name}": measured(folder, options.profile) for folder in options.people
    }
    print(
        json.dumps(
            {
                "part": "leakage",
                "models": describe_models(load_config(profile=options.profile)),
                "people": figures,
                **provenance(0),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
