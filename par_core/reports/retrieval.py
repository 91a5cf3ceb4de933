"""The report on retrieval: every query with its interval, and the first hits of the best, the worst and
typical ones.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from par_core.config import ArchiveConfig
from par_core.datasets.folders import name_of
from par_core.evaluate.retrieval import RetrievalRun
from par_core.metrics.bootstrap import Interval
from par_core.reports.document import Bar, Picture, Section, Sheet, Table
from par_core.reports.thumbnails import person_crop
from par_core.reports.wording import number, with_ends

__all__ = ["CONVENTIONS", "retrieval_sections"]

CONVENTIONS: Final = (
    (
        "Every person is ranked by the cosine of picture and text; average precision is the mean of the"
        " precision at the rank of each person who fits."
    ),
    (
        "It is divided by the prevalence, the share of people who fit: 1 is what a random order gives. A rare"
        " attribute can reach higher values than a common one."
    ),
    (
        "People whose label is unknown are left out of a query; queries that fewer than five people fit or do"
        " not fit are not asked."
    ),
)
_FIRST: Final = 10


def retrieval_sections(
    run: RetrievalRun, intervals: Mapping[str, Interval], config: ArchiveConfig
) -> tuple[Section, ...]:
    """The table of queries, the first hits of some, and the queries for two coloured garments."""
    scored = run.scores["queries"]
    if not scored:
        return (
            Section(
                "Queries",
                "Nothing was asked: the data set labels no attribute for at least five people with it and"
                " five without.",
            ),
            *_pairs(run),
        )
    queries = sorted(scored, key=lambda query: -scored[query]["ap_over_prevalence"])
    bars = tuple(Bar.of(intervals[f"ap_over_prevalence: {query}"]) for query in queries)
    rows = tuple(
        (
            query,
            with_ends(intervals[f"ap_over_prevalence: {query}"]),
            *(number(scored[query][key]) for key in ("ap", "prevalence", "n")),
        )
        for query in queries
    )
    ends_at = (min(1.0, *(bar.low for bar in bars)), max(1.0, *(bar.high for bar in bars)))
    table = Table(("query", "AP / prevalence", "AP", "prevalence", "people"), rows, bars, 1.0, ends_at)
    middle = len(queries) // 2
    shown = dict.fromkeys(queries[i] for i in (0, max(middle - 1, 0), middle, -1))
    called = {queries[-1]: "worst", queries[0]: "best"}
    sheets = tuple(_sheet(run, query, called.get(query, "typical"), config) for query in shown)
    return (
        Section(
            "Every query",
            "Average precision over prevalence with its 95 % interval. Bars begin at 1, which is chance.",
            table=table,
        ),
        Section(
            "First hits",
            f"The first {_FIRST} people of the best, two typical and the worst query; those who fit have a"
            " solid frame.",
            sheets=sheets,
        ),
        *_pairs(run),
    )


def _sheet(run: RetrievalRun, query: str, called: str, config: ArchiveConfig) -> Sheet:
    row = run.items.queries.index(query)
    known = np.flatnonzero(~np.isnan(run.items.labels[row]))
    first = known[np.argsort(-run.items.scores[row, known], kind="stable")][:_FIRST]
    fits = run.items.labels[row] == 1
    pictures = []
    for rank, i in enumerate(first, start=1):
        image = run.people[i].image
        caption = f"{rank}: {'fits' if fits[i] else 'no'}, {run.items.scores[row, i]:.3f}"
        pictures.append(
            Picture(person_crop(image, run.boxes[i], config), caption, name_of(image), bool(fits[i]))
        )
    ratio = run.scores["queries"][query]["ap_over_prevalence"]
    return Sheet(
        query,
        f"{called}: AP / prevalence {number(ratio)}; {int(fits[first].sum())} of the first {len(first)} fit",
        tuple(pictures),
    )


def _pairs(run: RetrievalRun) -> tuple[Section, ...]:
    pairs = run.scores["pairs"]
    if not pairs:
        return ()
    rows = tuple(
        (text, *(number(row[key]) for key in ("over_chance", "recall_at_10", "fitting", "n")))
        for text, row in pairs.items()
    )
    table = Table(("query", "times chance", "recall at 10", "people who fit", "people"), rows)
    return (
        Section(
            "Two garments of a colour",
            "Recall among the first ten, and how many times that of a random order it is.",
            table=table,
        ),
    )
