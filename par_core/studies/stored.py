"""The evaluation of a store for the command line."""

from pathlib import Path
from typing import Any

from par_core.config import ArchiveConfig
from par_core.evaluate.comparison import SEED
from par_core.evaluate.stored.matching import open_index
from par_core.evaluate.stored.scores import evaluate_store, stored_with, write_unmatched
from par_core.reports.folder import write_report
from par_core.store.layout import Store
from par_core.studies.evaluation import machine_and_versions, with_intervals

__all__ = ["evaluate_stored"]


def evaluate_stored(root: Path, labels: Path, out: Path | None) -> dict[str, Any]:
    """Score the people of a store.

    Args:
        root: Folder of the store.
        labels: CSV file, or its folder.
        out: Folder for the report and ``unmatched.csv``, if they are wanted.

    Returns:
        As :func:`par_core.studies.evaluation.evaluate`, and ``labels`` and ``unmatched``.

    Raises:
        BadConfigError: The labels are wrong, or nothing matches.
        StoreError: The store holds nobody or is damaged.
    """
    store = Store.open(root)
    evaluation = evaluate_store(store, labels)
    about = {
        "kind": "attributes",
        "dataset": labels.name,
        "root": str(root),
        "seed": SEED,
        "data_digest": evaluation.run.data_digest,
    }
    about |= machine_and_versions() | stored_with(store, open_index(store))
    scores, intervals = with_intervals(evaluation.run, about)
    if out is not None:
        write_unmatched(out / "unmatched.csv", evaluation)
        write_report(out, evaluation.run, scores, intervals, ArchiveConfig())
    return scores
