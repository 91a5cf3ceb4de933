r"""Whether a forgotten person is known again when the same segmenter draws the box with another runtime or
precision, and from which overlap on two boxes are one person.

    PAR_DATA=../shared/data PYTHONPATH=. python benchmarks/boxes_again.py \
        > benchmarks/results/boxes_again.json

The compact segmenter finds the people of each photograph four times. For each ordered pair of these runs,
everybody of the first is taken as forgotten, as the suppression list keeps them (box in whole pixels), and
looked for in the second: *again* is the person who overlaps most, from an intersection over union of 0.5;
*others* are all other people of the second. The people of a photograph as its annotators drew them say how
much two real people overlap.

Photographs: those of scikit-image and matplotlib that show people, and the sets under ``PAR_DATA`` that are
there (Penn-Fudan, COCO people, CCP), each a part, drawn by the seed.
"""

import itertools
import json
import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
from machine import provenance
from PIL import Image
from scipy.optimize import linear_sum_assignment

from par_core.config import load_config
from par_core.ids import image_id, person_id
from par_core.models.profiles import load_segmenter
from par_core.people.boxes import box_overlaps
from par_core.types import ImageU8

SEED = 0
PER_SET = 40
RUNS = tuple(itertools.product(("torch", "openvino"), ("fp32", "bf16")))
SETS = ("pennfudan/PNGImages", "coco_people/images", "ccp/photos")
SAMPLES = (
    ("skimage", "data/astronaut.png"),
    ("skimage", "data/camera.png"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
)
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)


def main() -> None:
    """Measure, and print the figures as JSON."""
    about = provenance(SEED)
    data = Path(os.environ.get("PAR_DATA", "../shared/data"))
    chosen, drawn = photographs(data), {}
    for runtime, precision in RUNS:
        machine = {"runtime": runtime, "precision": precision}
        segmenter = load_segmenter(load_config(profile="compact", machine=machine))
        drawn[f"{runtime} {precision}"] = [
            people(segmenter.segment([pixels])[0].boxes, name, segmenter.fingerprint)
            for name, pixels in chosen
        ]
    pairs = {
        f"{one}, then {other}": compare(drawn[one], drawn[other])
        for one, other in itertools.permutations(drawn, 2)
    }
    annotated = np.concatenate([neighbours(boxes) for boxes in annotations(data)] or [np.zeros(0)])
    figures = {
        "photographs": len(chosen),
        "people": {name: sum(len(ids) for ids, _ in run) for name, run in drawn.items()},
        "pairs": pairs,
        "annotated_people": {
            "pairs_that_overlap": int((annotated > 0).sum()),
            "share_of_overlapping_pairs_at": shares(annotated[annotated > 0]),
            "greatest_iou": round(float(annotated.max(initial=0)), 3),
        },
    }
    print(json.dumps({**about, **figures}, indent=1))


def photographs(data: Path) -> list[tuple[str, ImageU8]]:
    """Return name and pixels of each photograph."""
    paths = [Path(str(files(package).joinpath(inside))) for package, inside in SAMPLES]
    draw = np.random.default_rng(SEED)
    for part in SETS:
        found = sorted(path for path in (data / part).glob("*") if path.suffix in (".jpg", ".png"))
        paths += [found[i] for i in sorted(draw.permutation(len(found))[:PER_SET])]
    return [(path.name, np.asarray(Image.open(path).convert("RGB"))) for path in paths]


def people(boxes: np.ndarray, name: str, fingerprint: str) -> tuple[list[str], np.ndarray]:
    """Return ids and boxes of the people of a photograph."""
    image = image_id(name.encode())
    return [person_id(image, box, fingerprint) for box in boxes.tolist()], np.asarray(boxes, np.float64)


def compare(
    first: list[tuple[list[str], np.ndarray]], second: list[tuple[list[str], np.ndarray]]
) -> dict[str, object]:
    """Return how people of one run are known again in another."""
    moved, again, others, same_id, lost = [], [], [], [], 0
    for (ids, boxes), (ids_now, boxes_now) in zip(first, second, strict=True):
        kept = boxes.round()  # as the suppression list keeps them
        overlaps = box_overlaps(kept, boxes_now)
        rows, columns = linear_sum_assignment(overlaps, maximize=True)
        partner = {i: j for i, j in zip(rows, columns, strict=True) if overlaps[i, j] >= THRESHOLDS[0]}
        lost += len(ids) - len(partner)
        for i, j in partner.items():
            moved.append(np.abs(boxes[i] - boxes_now[j]).max())
            again.append(overlaps[i, j])
            same_id.append(ids[i] == ids_now[j])
        others += [
            overlaps[i, j]
            for i, j in np.ndindex(overlaps.shape)
            if partner.get(i) != j and overlaps[i, j] > 0
        ]
    moves, known = np.array(moved), np.array(again)
    return {
        "again": len(known),
        "not_found_again": lost,
        "share_of_ids_equal": round(float(np.mean(same_id)), 4),
        "moved_px": {
            "median": round(float(np.median(moves)), 3),
            "99 %": round(float(np.quantile(moves, 0.99)), 3),
            "most": round(float(moves.max()), 3),
        },
        "iou": {
            "least": round(float(known.min()), 3),
            "1 %": round(float(np.quantile(known, 0.01)), 3),
            "median": round(float(np.median(known)), 3),
        },
        "share_known_at": shares(known),
        "others_that_overlap": len(others),
        "others_taken_for_them_at": {str(at): int((np.array(others) >= at).sum()) for at in THRESHOLDS},
    }


def shares(overlaps: np.ndarray) -> dict[str, float]:
    """Return the share of overlaps that reach each threshold."""
    return {str(at): round(float(np.mean(overlaps >= at)), 4) if len(overlaps) else 0.0 for at in THRESHOLDS}


def annotations(data: Path) -> Iterator[np.ndarray]:
    """Yield the boxes of each annotated photograph, in any unit."""
    for file in sorted((data / "pennfudan/Annotation").glob("*.txt")):
        found = re.findall(r"\((\d+), (\d+)\) - \((\d+), (\d+)\)", file.read_text(errors="replace"))
        yield np.array(found, np.float64).reshape(-1, 4)
    for file in sorted((data / "coco_people/boxes").glob("*.txt")):
        rows = np.array([line.split() for line in file.read_text().splitlines() if line], np.float64)
        persons = rows.reshape(-1, 5)[rows.reshape(-1, 5)[:, 0] == 0][:, 1:]
        yield np.hstack([persons[:, :2] - persons[:, 2:] / 2, persons[:, :2] + persons[:, 2:] / 2])


def neighbours(boxes: np.ndarray) -> np.ndarray:
    """Return the overlap of each pair of people of one photograph."""
    return box_overlaps(boxes, boxes)[np.triu_indices(len(boxes), 1)]


if __name__ == "__main__":
    main()
