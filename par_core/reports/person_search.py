"""The report on text-based person search: the figures, and the first hits of some captions."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from par_core.config import ArchiveConfig
from par_core.datasets.folders import name_of
from par_core.evaluate.items.person_search import CUTS
from par_core.evaluate.person_search import PersonSearchRun
from par_core.metrics.bootstrap import Interval
from par_core.reports.document import Picture, Section, Sheet, Table
from par_core.reports.thumbnails import person_crop
from par_core.reports.wording import number, with_ends

__all__ = ["CONVENTIONS", "person_search_sections"]

CONVENTIONS: Final = (
    (
        "Every caption is asked of all pictures of the part, the one that it was written for among them; the"
        " pictures of its person are right (Jiang and Ye, CVPR 2023)."
    ),
    "R@k is the share of captions with a right picture among the first k.",
    (
        "Where equal scores lie across k, R@k counts the probability of a right picture; mAP and mINP let"
        " equal scores share the last rank of their run."
    ),
)
_SPOKEN: Final = {**{f"r_at_{cut}": f"R@{cut}" for cut in CUTS}, "map": "mAP", "minp": "mINP"}


def person_search_sections(
    run: PersonSearchRun, intervals: Mapping[str, Interval], config: ArchiveConfig
) -> tuple[Section, ...]:
    """The table of figures, and the first hits of the best, two typical and the worst caption."""
    rows = tuple(
        (name, with_ends(intervals[key]), number(run.scores[f"{key}_by_text_alone"]))
        for key, name in _SPOKEN.items()
    )
    order = np.argsort(-run.items.average_precision, kind="stable")
    middle = len(order) // 2
    shown = dict.fromkeys(int(order[i]) for i in (0, max(middle - 1, 0), middle, -1))
    called = {int(order[-1]): "worst", int(order[0]): "best"}
    sheets = tuple(_sheet(run, row, called.get(row, "typical"), config) for row in shown)
    table = Table(("figure", "as searches rank", "by the text's cosine alone"), rows)
    hits = "The best, two typical and the worst caption; pictures of the right person have a solid frame."
    return Section("Figures", "With 95 % intervals.", table=table), Section("First hits", hits, sheets=sheets)


def _sheet(run: PersonSearchRun, row: int, called: str, config: ArchiveConfig) -> Sheet:
    pictures = []
    for rank, i in enumerate(run.first[row], start=1):
        right = run.identities[i] == run.items.identities[row]
        caption = f"{rank}: {'right' if right else 'another'}"
        crop = person_crop(run.images[i], run.boxes[i], config)
        pictures.append(Picture(crop, caption, name_of(run.images[i]), right))
    precision = number(float(run.items.average_precision[row]))
    return Sheet(run.items.queries[row], f"{called}: average precision {precision}", tuple(pictures))
