"""What a network of par generate swap does: on people it never saw, and to colours and outlines. Prints JSON.

    par generate swap train --dataset ccp --root ../shared/data --out build/swap-run --steps 1200 --batch 4
    par generate swap apply build/swap-run --dataset ccp --root ../shared/data --out build/swap --n 384
    PYTHONPATH=. python benchmarks/swap.py --data ../shared/data --made build/swap --runs build/swap-run \
        > benchmarks/results/swap.json

L1 is the mean difference of the channels over the pixels of a person, of 1, on 100 people who are held out; a
person in other colours is known by par generate recolour. A garment of the upper or the lower body has the
lender's colour if PAR names the same term in the file. Outlines are those of the shipped segmenter on some
made pictures and on the photographs that these are made of; intervals are bootstraps over pictures.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from machine import provenance

from par_core.config import load_config
from par_core.datasets.merged_labels import read_label_map
from par_core.made.folder import MadeFolder
from par_core.made.garments import LOWER, UPPER
from par_core.metrics.bootstrap import bootstrap_rows
from par_core.models.profiles import load_segmenter
from par_core.people.masks import decode_mask
from par_core.types import MaskRLE

PICTURES: Final = 24


def interval(values: Sequence[float]) -> dict[str, Any]:
    """Mean and interval."""
    numbers = np.array(values)
    found = bootstrap_rows(len(numbers), lambda drawn: float(numbers[drawn].mean()))
    return {"n": len(numbers), "value": found.estimate, "interval": [found.low, found.high]}


def trained(run: Path) -> dict[str, Any]:
    """A run: its steps, and its scores on held-out people."""
    report = json.loads((run / "report.json").read_text())
    return {name: report[name] for name in ("seed", "steps_done", "sizes", "scores", "scored_on")}


def outlined(folder: Path, data: Path) -> dict[str, Any]:
    """Overlap of outlines of made pictures with those of their photographs, and of both with the maps."""
    made, segmenter = MadeFolder.open(folder), load_segmenter(load_config())
    overlaps = dict[str, list[float]](
        {"made and photograph": [], "made and map": [], "photograph and map": [], "no person found": []}
    )
    for person in made.people[:: max(1, len(made.people) // PICTURES)][:PICTURES]:
        pictures = [
            cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
            for file in (folder / person.picture, data / person.files[0])
        ]
        truth = read_label_map(folder / str(person.map)) > 0
        masks = [best(each.masks, truth) for each in segmenter.segment(pictures)]
        overlaps["no person found"].append(float(masks[0] is None))
        if masks[0] is not None and masks[1] is not None:
            overlaps["made and photograph"].append(iou(masks[0], masks[1]))
            overlaps["made and map"].append(iou(masks[0], truth))
            overlaps["photograph and map"].append(iou(masks[1], truth))
    return {name: interval(values) for name, values in overlaps.items()}


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Overlap of two masks."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def best(masks: Sequence[MaskRLE], truth: np.ndarray) -> np.ndarray | None:
    """The mask that overlaps most with the person."""
    decoded = [decode_mask(mask) for mask in masks]
    return max(decoded, key=lambda mask: iou(mask, truth), default=None)


def coloured(folder: Path) -> dict[str, Any]:
    """How many garments have the lender's colour, and how many of those that had another before."""
    made = MadeFolder.open(folder)
    counts = {name: made.manifest[name] for name in ("tried", "kept", "refused", "pictures")}
    changed = sum(
        any(person.colours.get(name) == colour and name in person.changed for name in worn)
        for person in made.people
        for colour, worn in ((person.upper, UPPER), (person.lower, LOWER))
        if colour is not None
    )
    otherwise = sum(number for reason, number in counts["refused"].items() if "named otherwise" in reason)
    shares = {
        "share": counts["kept"] / counts["tried"],
        "changed": changed,
        "share_of_changed": changed / (changed + otherwise),
    }
    return counts | shares


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of ccp")
    parser.add_argument("--made", type=Path, required=True, help="folder of par generate swap apply")
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of swap train")
    options = parser.parse_args()
    result = {
        "runs": [trained(run) for run in options.runs],
        "colours": coloured(options.made),
        "outlines": outlined(options.made, options.data),
        "about": provenance(MadeFolder.open(options.made).manifest["seed"]),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
