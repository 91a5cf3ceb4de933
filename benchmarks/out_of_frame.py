"""Answers about parts of the body that the frame of a photograph cuts away: how many are withheld, and how
many about parts that show are lost:

    cd benchmarks && PYTHONPATH=.. python out_of_frame.py --data ../../shared/data > results/out_of_frame.json

People of Clothing Co-Parsing with pixel maps are cut below at many heights, so that the box of what shows
reaches the lower edge. On the people to learn from, a bound is the largest number, to two places, below which
at most 2 % of the cuts fall that show the part. Figures come from the people to report on:

``edges``: share of people whom the shipped segmenter finds within a distance of the lower edge, of every
tenth person to learn from, cut at a few heights. The tolerance of the rule is wider than they need.
``shipped``: bounds of the shipped rule (height of the box over the mean width of the mask).
``by_mask``, ``by_box``: bounds as they come out today, of this measure and of height over width of the box.
``found``: the shipped rule on the photographs cut at a few heights, people as the segmenter finds them.
``whole``: photographs as they are. Of Penn-Fudan also the pedestrians who do not reach the lower edge, as if
they did, by both measures. Of MIT, people as the segmenter finds them in these crops.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from machine import provenance

from par_core.attributes.clothing_parts import NEEDED_CLOSE
from par_core.attributes.out_of_frame import LEAST_TALLNESS, out_of_frame, reaches_edge
from par_core.config import load_config
from par_core.datasets.merged_labels import LabelledPerson, read_label_map
from par_core.datasets.outlines import outlined_photos, read_photo, read_picture
from par_core.models.base import PersonSegmenter
from par_core.models.profiles import load_segmenter
from par_core.people.masks import mask_area
from par_core.training.attribute_data import read_people
from par_core.types import ImageU8

SEED: Final = 0  # of who is held out
MOST_LOST: Final = 0.02
SHARES: Final = np.round(np.arange(0.15, 1.001, 0.025), 3)  # of the height that is left
EVERY: Final = 10  # person to learn from
TOLERANCES: Final = (0.01, 0.02, 0.03, 0.05, 0.1)
FOUND_AT: Final = (0.2, 0.35, 0.5, 0.7, 0.9, 1.0)
BANDS: Final = ((0.0, 0.3), (0.3, 0.5), (0.5, 0.6), (0.6, 0.75), (0.75, 0.9))
NAMES: Final = {
    share: sorted(name for name, needed in NEEDED_CLOSE.items() if needed == share)
    for share in LEAST_TALLNESS
}


def cuts(people: Sequence[LabelledPerson]) -> dict[str, np.ndarray]:
    """Height over width of the box and over the mean width of the mask, by person and share."""
    boxes, masks = [], []
    for person in people:
        if person.label_map is None:
            continue
        body = read_label_map(person.label_map) > 0
        rows = np.flatnonzero(body.any(axis=1))
        top, height = int(rows[0]), int(rows[-1]) + 1 - int(rows[0])
        for share in SHARES:
            shown = body[top : top + max(1, round(share * height))]
            columns, tall = np.flatnonzero(shown.any(axis=0)), len(shown)
            boxes.append(tall / (columns[-1] + 1 - columns[0]))
            masks.append(tall * tall / shown.sum())
    shape = (-1, len(SHARES))
    return {"box": np.array(boxes).reshape(shape), "mask": np.array(masks).reshape(shape)}


def bounds_of(values: np.ndarray) -> dict[float, float]:
    """By the share that is needed, the bound below which at most 2 % of the cuts fall that show it."""
    bounds = {}
    for share in LEAST_TALLNESS:
        shown = np.sort(values[:, share <= SHARES].ravel())
        bounds[share] = float(np.floor(100 * shown[int(MOST_LOST * len(shown))]) / 100)
    return bounds


def figures(values: np.ndarray, bounds: Mapping[float, float]) -> dict[str, Any]:
    """Shares of hidden parts whose answers are withheld, and of visible ones whose answers are lost."""
    result = {}
    for share, bound in bounds.items():
        withheld = values < bound
        hidden, shown = withheld[:, share > SHARES], withheld[:, share <= SHARES]
        result[", ".join(NAMES[share])] = {
            "share_of_height_needed": share,
            "bound": bound,
            "hidden": hidden.size,
            "hidden_withheld": float(hidden.mean()),
            "hidden_withheld_by_share_shown": {
                f"{low} to {min(high, share)}": float(
                    withheld[:, (low <= SHARES) & (min(high, share) > SHARES)].mean()
                )
                for low, high in BANDS
                if low < share
            },
            "visible": shown.size,
            "visible_lost": float(shown.mean()),
            "visible_lost_at_the_very_share": float(withheld[:, share == SHARES].mean()),
        }
    return result


class Outlines:
    """Boxes, areas of masks and heights of images of people, as they are."""

    def __init__(self) -> None:
        self.boxes: list[list[float]] = []
        self.areas: list[float] = []
        self.heights: list[float] = []

    def add_mask(self, mask: np.ndarray) -> None:
        """Add a person by the mask over the whole image."""
        x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
        self.boxes.append([x, y, x + width, y + height])
        self.areas.append(int(mask.sum()))
        self.heights.append(len(mask))

    def add_found(self, segmenter: PersonSegmenter, picture: ImageU8) -> None:
        """Add the largest person whom the segmenter finds, if there is one."""
        (people,) = segmenter.segment([picture])
        areas = [mask_area(mask) for mask in people.masks]
        if not any(areas):
            return
        self.boxes.append(people.boxes[int(np.argmax(areas))].tolist())
        self.areas.append(max(areas))
        self.heights.append(picture.shape[0])

    def hidden(self) -> np.ndarray:
        """Whether the shipped rule withholds what needs each share: people in rows."""
        sides = np.array(self.boxes, np.float64).reshape(-1, 4)
        names = [NAMES[share][0] for share in LEAST_TALLNESS]
        return out_of_frame(sides, np.array(self.areas, float), np.array(self.heights, float), names)

    def summary(self) -> dict[str, Any]:
        """Numbers of people, of those at the lower edge, and of those from whom answers are withheld."""
        sides = np.array(self.boxes, np.float64).reshape(-1, 4)
        edge = reaches_edge(sides, np.array(self.heights, float))
        hidden = self.hidden()
        return {
            "people": len(sides),
            "reach_the_lower_edge": int(edge.sum()),
            "withheld": {
                ", ".join(NAMES[share]): int(column.sum())
                for share, column in zip(LEAST_TALLNESS, hidden.T, strict=True)
            },
        }

    def as_if_at_the_edge(self, bounds: Mapping[str, Mapping[float, float]]) -> dict[str, Any]:
        """Share of those who do not reach the lower edge that each measure would take for cut."""
        sides, areas = np.array(self.boxes, np.float64), np.array(self.areas, float)
        inside = ~reaches_edge(sides, np.array(self.heights, float))
        tall, wide = (sides[inside, 3] - sides[inside, 1]), (sides[inside, 2] - sides[inside, 0])
        values = {"box": tall / wide, "mask": tall**2 / areas[inside]}
        return {
            "people": int(inside.sum()),
            **{
                f"lost_by_{kind}": {
                    ", ".join(NAMES[share]): float((values[kind] < bound).mean())
                    for share, bound in of_kind.items()
                }
                for kind, of_kind in bounds.items()
            },
        }


def found_at(share: float, people: Sequence[LabelledPerson], segmenter: PersonSegmenter) -> Outlines:
    """People as the segmenter finds them on photographs that end at a share of their height."""
    outlines = Outlines()
    for person in people:
        if person.label_map is not None:
            picture, body = read_picture(person.image), read_label_map(person.label_map) > 0
            rows = np.flatnonzero(body.any(axis=1))
            end = int(rows[0]) + round(share * (int(rows[-1]) + 1 - int(rows[0])))
            outlines.add_found(segmenter, np.ascontiguousarray(picture[:end]))
    return outlines


def edges(train: Sequence[LabelledPerson], segmenter: PersonSegmenter) -> dict[str, Any]:
    """Share of the boxes of cut people that reach the lower edge, by the tolerance."""
    some = [person for person in train if person.label_map is not None][::EVERY]
    result = {}
    for share in FOUND_AT[:-1]:
        people = found_at(share, some, segmenter)
        sides = np.array(people.boxes, np.float64)
        gaps = (np.array(people.heights) - sides[:, 3]) / (sides[:, 3] - sides[:, 1])
        result[str(share)] = {str(most): float((gaps <= most).mean()) for most in TOLERANCES}
    return {"people": len(some), "reach_by_share_shown_and_tolerance": result}


def found(report: Sequence[LabelledPerson], segmenter: PersonSegmenter) -> dict[str, Any]:
    """The shipped rule on photographs that are cut at a few heights, with the segmenter's boxes and masks."""
    result = {}
    for share in FOUND_AT:
        people = found_at(share, report, segmenter)
        result[str(share)] = {
            "found": len(people.boxes),
            "withheld": {
                ", ".join(NAMES[needed]): float(column.mean())
                for needed, column in zip(LEAST_TALLNESS, people.hidden().T, strict=True)
            },
        }
    return result


def whole(
    data: Path,
    report: Sequence[LabelledPerson],
    segmenter: PersonSegmenter,
    bounds: Mapping[str, Mapping[float, float]],
) -> dict[str, Any]:
    """What the shipped rule withholds on photographs as they are."""
    ccp, pennfudan, mit = Outlines(), Outlines(), Outlines()
    for person in report:
        if person.label_map is not None:
            ccp.add_mask(read_label_map(person.label_map) > 0)
        elif person.source == "mit":
            mit.add_found(segmenter, read_picture(person.image))
    for photo in outlined_photos("pennfudan", data):
        labels = read_photo(photo)[1]
        for number in range(1, int(labels.max()) + 1):
            pennfudan.add_mask(labels == number)
    return {
        "ccp": ccp.summary(),
        "pennfudan": pennfudan.summary(),
        "pennfudan_as_if_at_the_edge": pennfudan.as_if_at_the_edge(bounds),
        "mit": mit.summary(),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    options = parser.parse_args()
    parts, segmenter = read_people(options.data, SEED), load_segmenter(load_config())
    learnt, held_out = cuts(parts.train), cuts(parts.report)
    best = {kind: bounds_of(values) for kind, values in learnt.items()}
    result = {
        "people": {"train": len(learnt["box"]), "report": len(held_out["box"])},
        "edges": edges(parts.train, segmenter),
        "shipped": figures(held_out["mask"], LEAST_TALLNESS),
        "by_mask": figures(held_out["mask"], best["mask"]),
        "by_box": figures(held_out["box"], best["box"]),
        "found": found(parts.report, segmenter),
        "whole": whole(options.data, parts.report, segmenter, best),
    }
    print(json.dumps({**result, **provenance(SEED)}, indent=1))


if __name__ == "__main__":
    main()
