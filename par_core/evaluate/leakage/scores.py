"""Effect of leakage on the scores of a model: its figures on the test part as given, and without the test
pictures that have a counterpart in train.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from par_core.errors import BadConfigError
from par_core.evaluate.comparison import SEED
from par_core.evaluate.items import AttributeItems
from par_core.evaluate.saved_run import SavedRun
from par_core.metrics.bootstrap import Interval, bootstrap_rows

__all__ = ["CleanedScore", "cleaned_object", "cleaned_scores"]


@dataclass(frozen=True, slots=True)
class CleanedScore:
    """One figure.

    Attributes:
        name: Name of the figure.
        given: Figure on all items.
        cleaned: Figure without those that leak.
        change: Cleaned minus given; every resample draws the same items for both.
    """

    name: str
    given: Interval
    cleaned: Interval
    change: Interval


def cleaned_scores(
    run: SavedRun, test: Collection[str], leaked: Collection[str]
) -> tuple[list[CleanedScore], int]:
    """Score the items of a report again.

    Args:
        run: A report on attributes, of the test part or of a part of it.
        test: Names of the test pictures, folder and file, as :func:`par_core.datasets.folders.name_of` makes
            them.
        leaked: Those of them that have a counterpart in train.

    Returns:
        The figures, and how many items are left.

    Raises:
        BadConfigError: The report is of another kind, holds a picture that is not in the test part, or
            nothing is left.
    """
    items = run.items
    if not isinstance(items, AttributeItems):
        raise BadConfigError(
            f"{run.folder} is a report on {run.kind}; scores are compared for attributes (par evaluate"
            f" attributes ... --out {run.folder})"
        )
    test, leaked = set(test), set(leaked)
    strangers = [name for name in items.names if name not in test]
    if strangers:
        raise BadConfigError(
            f"{run.folder} holds {len(strangers)} pictures outside of the test part, such as {strangers[0]};"
            " evaluate the pictures that are tested here"
        )
    clean = np.array([name not in leaked for name in items.names], bool)
    kept = np.flatnonzero(clean)
    if not len(kept):
        raise BadConfigError(
            f"every picture of {run.folder} has a counterpart in train: there is nothing left to score"
        )
    groups = items.groups
    groups_kept = None if groups is None else [groups[i] for i in kept]
    scores = []
    for name, figure in items.figures().items():
        scores.append(
            CleanedScore(
                name,
                bootstrap_rows(items.images, figure, groups, seed=SEED),
                bootstrap_rows(len(kept), lambda rows, f=figure: f(kept[rows]), groups_kept, seed=SEED),  # type: ignore[misc]
                bootstrap_rows(
                    items.images,
                    lambda rows, f=figure: f(rows[clean[rows]]) - f(rows),  # type: ignore[misc]
                    groups,
                    seed=SEED,
                ),
            )
        )
    return scores, len(kept)


def cleaned_object(scores: list[CleanedScore], run: SavedRun, kept: int) -> dict[str, Any]:
    """For JSON: ``items``, ``items_kept`` and ``figures`` with ``given``, ``cleaned`` and ``difference``,
    each with ``estimate``, ``low`` and ``high``.
    """
    parts = (("given", "given"), ("cleaned", "cleaned"), ("difference", "change"))
    figures = {
        score.name: {
            called: {
                "estimate": (interval := getattr(score, name)).estimate,
                "low": interval.low,
                "high": interval.high,
            }
            for called, name in parts
        }
        for score in scores
    }
    return {
        "report": str(run.folder),
        "models": run.about["models"],
        "items": run.items.images,
        "items_kept": kept,
        "figures": figures,
    }
