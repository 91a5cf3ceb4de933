"""Does the segmenter find the people of composites, and outline them? Prints one JSON.

    par generate composite --root ../shared/data --scenes ../shared/data --out build/street --n 150
    PYTHONPATH=. python benchmarks/composites.py --made build/street > benchmarks/results/composites.json

A person counts as found where a detection above the threshold of indexing has a mask overlap of at least one
half, one to one. Heights are of what is seen of a person. Intervals are bootstraps over pictures.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from machine import provenance

from par_core.config import load_config
from par_core.datasets.outlines import outlined_photos, read_photo
from par_core.evaluate.segmentation import outlines
from par_core.made.folder import MadeFolder
from par_core.metrics.bootstrap import bootstrap_rows
from par_core.metrics.coco_ap import match_people
from par_core.models.profiles import load_segmenter
from par_core.people.masks import mask_boxes

BANDS: Final = {"all": (0, 10_000), "100 px and more": (100, 10_000), "under 100 px": (0, 100)}


def measured(rows: np.ndarray, pictures: np.ndarray, value: Callable[[np.ndarray], float]) -> dict[str, Any]:
    """A figure of some people with its interval."""
    if not len(rows):
        return {"people": 0}
    groups = tuple(map(str, pictures))
    interval = bootstrap_rows(len(rows), lambda drawn: value(rows[drawn]), groups)
    return {"people": len(rows), "value": interval.estimate, "interval": [interval.low, interval.high]}


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--made", type=Path, required=True, help="folder of par generate composite")
    folder = parser.parse_args().made
    made, segmenter = MadeFolder.open(folder), load_segmenter(load_config())
    dark = {
        str(person.scene_picture) for person in made.people if person.parameters["camera"]["exposure"] < -1
    }
    visible = {(str(each.scene_picture), each.instance): each.parameters["visible"] for each in made.people}
    people, false = [], 0
    for number, photo in enumerate(outlined_photos("made", folder)):
        picture, labels = read_photo(photo)
        truth = outlines(labels)
        [found] = segmenter.segment([picture])
        match = match_people(truth, found.masks)
        false += int((~match.right).sum())
        boxes, name = mask_boxes(truth), f"pictures/{photo.image.name}"
        for i in range(len(truth)):
            which = np.flatnonzero(match.label_numbers == i)
            iou = float(match.iou[which[0]]) if len(which) else 0.0
            whole = visible[name, i + 1] >= 0.9
            people.append((number, boxes[i, 3] - boxes[i, 1], iou, whole, name in dark))
    table = np.array(people, np.float64)
    bands = {name: (table[:, 1] >= low) & (table[:, 1] < high) for name, (low, high) in BANDS.items()}
    tall = bands["100 px and more"]
    bands |= {
        "100 px and more, 90 % visible": tall & (table[:, 3] == 1),
        "100 px and more, occluded": tall & (table[:, 3] == 0),
        "100 px and more, in low light": tall & (table[:, 4] == 1),
    }
    result: dict[str, Any] = {
        "pictures": len({row[0] for row in people}),
        "settings": {name: value for name, value in made.manifest["settings"].items() if name != "scenes"},
        "scenes": len(made.manifest["settings"]["scenes"]),
        "false_people_per_picture": false / len({row[0] for row in people}),
        "recall": {
            name: measured(table[rows], table[rows, 0], lambda drawn: float((drawn[:, 2] > 0).mean()))
            for name, rows in bands.items()
        },
        "mask_iou_of_the_found": {
            name: measured(
                table[rows & (table[:, 2] > 0)],
                table[rows & (table[:, 2] > 0), 0],
                lambda drawn: float(drawn[:, 2].mean()),
            )
            for name, rows in bands.items()
        },
        "about": provenance(made.manifest["seed"]),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
