"""The report on segmentation: the curve of precision and recall, and the best, the worst and typical
photographs.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from par_core.datasets.outlines import read_photo
from par_core.evaluate.segmentation import SegmentationRun
from par_core.metrics.coco_ap import match_people
from par_core.metrics.ranking import OperatingPoints, operating_points
from par_core.reports.document import Picture, Section, Sheet, Table
from par_core.reports.plots import precision_recall
from par_core.reports.thumbnails import outlined_photo
from par_core.reports.wording import number, spoken

__all__ = ["CONVENTIONS", "segmentation_sections"]

CONVENTIONS: Final = (
    (
        "Average precision is COCO's (mask and box IoU from 0.50 to 0.95, computed by pycocotools), over"
        " people of every score."
    ),
    (
        "Precision and recall are at the score that indexing uses; a person is found where the mask IoU is at"
        " least one half, each labelled person once."
    ),
    (
        "The quality of a photograph is the sum of the IoUs of matched people over matched + (missed + false)"
        " / 2 (panoptic quality, Kirillov et al. 2019)."
    ),
)
_EACH: Final = 4


def segmentation_sections(run: SegmentationRun) -> tuple[Section, ...]:
    """The curve, average precision, and contact sheets."""
    used = run.scores["recall"], run.scores["precision"]
    curve = (
        "At a mask IoU of one half, from the surest to the faintest person found. The dot is the score that"
        " indexing uses."
    )
    names = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50")
    table = Table(
        ("average precision", "value"), tuple((spoken(name), number(run.scores[name])) for name in names)
    )
    judged = np.flatnonzero(~np.isnan(run.items.quality))
    order = judged[np.argsort(-run.items.quality[judged], kind="stable")]
    worst, best = (
        order[::-1][:_EACH].tolist(),
        [i for i in order[:_EACH].tolist() if i not in order[::-1][:_EACH]],
    )
    between = [i for i in order.tolist() if i not in worst + best]
    middle = max(0, (len(between) - _EACH) // 2)
    sheets = tuple(
        _sheet(run, title, rows)
        for title, rows in (
            ("The worst", worst),
            ("Typical", between[middle : middle + _EACH]),
            ("The best", best),
        )
    )
    return (
        Section("Precision and recall", curve, plot=precision_recall(_points(run), used), table=table),
        Section(
            "Photographs",
            "By quality. Blue: labelled. Orange: found.",
            sheets=tuple(sheet for sheet in sheets if sheet.pictures),
        ),
    )


def _points(run: SegmentationRun) -> OperatingPoints:
    """People found are items with a score; labelled people without a match are items without, which no
    threshold shows.
    """
    right, scores = [np.zeros(0, bool)], [np.zeros(0)]
    for masks, people in zip(run.truth, run.weak, strict=True):
        match = match_people(masks, people.masks)
        missed = match.labelled - int(match.right.sum())
        right += [match.right, np.ones(missed, bool)]
        scores += [people.scores.astype(np.float64), np.full(missed, np.nan)]
    return operating_points(np.concatenate(right), np.concatenate(scores))


def _sheet(run: SegmentationRun, title: str, rows: Sequence[int]) -> Sheet:
    items, pictures = run.items, []
    for i in rows:
        jpeg = outlined_photo(read_photo(run.photos[i])[0], run.truth[i], run.detected[i].masks)
        caption = (
            f"quality {number(float(items.quality[i]))}: {items.matched[i]} matched, {items.missed[i]}"
            f" missed, {items.false[i]} false"
        )
        pictures.append(Picture(jpeg, caption, items.names[i]))
    return Sheet(title, "", tuple(pictures), wide=True)
