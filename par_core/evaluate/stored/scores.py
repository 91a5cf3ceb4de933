"""Scoring a store: the user's labels against the attributes that indexing has computed. No model
runs.
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from par_core.archive.entries import path_of
from par_core.atomic import write_atomic
from par_core.datasets.csv_labels import read_csv_labels
from par_core.datasets.labelled_set import AttributeSet
from par_core.datasets.meanings import answer_to
from par_core.errors import BadConfigError
from par_core.evaluate.attributes import AttributeRun, rows_of, score_attributes
from par_core.evaluate.stored.matching import JoinedLabel, StoredPerson, join_labels, open_index
from par_core.predictions.tables import PredictedPeople
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.types import Descriptions

__all__ = ["StoreRun", "evaluate_store", "stored_with", "write_unmatched"]


@dataclass(frozen=True, slots=True)
class StoreRun:
    """An evaluation of a store.

    Attributes:
        run: Evaluation of attributes on the matched people.
        stored: Same people as the store has them.
        data: All labels.
        joined: Match of each of them.
    """

    run: AttributeRun
    stored: tuple[StoredPerson, ...]
    data: AttributeSet
    joined: tuple[JoinedLabel, ...]


def evaluate_store(store: Store, labels: Path) -> StoreRun:
    """Score the attributes that the labels and the store both have.

    Args:
        store: An indexed store.
        labels: A CSV file of the form that docs/datasets.md describes, or its folder.

    Returns:
        The run with the scores of ``par evaluate attributes``; ``images`` and ``found`` are the people that
        were matched, ``labels`` the rows of the file, and ``unmatched`` counts the others by status.

    Raises:
        BadConfigError: The file is wrong, no attribute is in both, or no person was matched; names what there
            is.
        StoreError: The store holds no people or is damaged.
    """
    index = open_index(store)
    data = read_csv_labels(labels, 0)
    if all(answer_to(name, index.info.attributes) is None for name in data.attributes):
        raise BadConfigError(
            f"{labels} labels {', '.join(data.attributes)}; the store has none of these, only:"
            f" {', '.join(index.info.attributes)}"
        )
    folder = labels if labels.is_dir() else labels.parent
    joined = join_labels(data, folder, store, index)
    rows = [i for i, label in enumerate(joined) if label.person is not None]
    unmatched = Counter(label.status for label in joined if label.person is None)
    if not rows:
        counted = ", ".join(f"{count:,} {status}" for status, count in unmatched.items())
        raise BadConfigError(
            f"no person of {labels} was matched with {store.root}: {counted}; paths must end alike, such as"
            f" {data.people[0].image}"
        )
    stored = tuple(person for label in joined if (person := label.person) is not None)
    probabilities = np.array(
        [
            [np.nan if person.row[name] is None else person.row[name] for name in index.info.attributes]
            for person in stored
        ],
        np.float32,
    )
    boxes = np.array([person.box for person in stored], np.float32)
    descriptions = Descriptions(np.zeros((len(rows), 0), np.float32), probabilities)  # embeddings unused
    matched = replace(rows_of(data, rows), boxes=None)
    run = score_attributes(
        matched, PredictedPeople(descriptions, boxes, index.info.attributes, index.info.thresholds)
    )
    scores = {**run.scores, "labels": len(joined), "unmatched": dict(unmatched)}
    people = tuple(
        replace(person, image=_file(match)) for person, match in zip(matched.people, stored, strict=True)
    )
    quality = {
        name: np.array([person.row[name] for person in stored], np.float32) for name in ("height_px", "glvn")
    }
    return StoreRun(AttributeRun(scores, run.items, people, boxes, quality), stored, data, tuple(joined))


def write_unmatched(file: Path, run: StoreRun) -> None:
    """Write a CSV file of the rows of labels that match no person: ``image``, ``x1`` to ``y2``,
    ``status``.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(("image", "x1", "y1", "x2", "y2", "status"))
    for i, label in enumerate(run.joined):
        if label.person is None:
            box: Sequence[float] = () if run.data.boxes is None else run.data.boxes[i].tolist()
            rows.writerow(
                [
                    run.data.people[i].image,
                    *(["" if value != value else f"{value:g}" for value in box] or [""] * 4),
                    label.status,
                ]
            )
    write_atomic(file, text.getvalue().encode("utf-8", "surrogateescape"))


def stored_with(store: Store, index: PeopleIndex) -> dict[str, Any]:
    """Return ``models`` and ``fingerprints`` of a store's people, from its manifests."""
    manifests = (
        manifest.info for _, manifest in store.complete_shards("describe", index.info.describe_config)
    )
    described = next(manifests)
    segmented = next(
        manifest.info for _, manifest in store.complete_shards("segment", index.info.segment_config)
    )
    prints = {
        "segmenter": segmented["segmenter"],
        "describer": described["describer"],
        "embedding": described["embedding"],
    }
    return {
        "models": f"{segmented['model']} + {described['model']}",
        "profile": index.info.profile,
        "fingerprints": prints,
    }


def _file(person: StoredPerson) -> Path:
    """Return the file of a local picture; a member of an archive and a remote picture have none, and reports
    do not show them.
    """
    return Path(path_of(person.uri).decode("utf-8", "surrogateescape"))
