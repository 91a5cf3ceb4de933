"""Leakage of a data set or of two folders: the search for counterparts, its figures, and the parts without
them.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool

from par_core.atomic import write_atomic
from par_core.config import RunConfig
from par_core.datasets.attribute_sets import AttributeSet
from par_core.datasets.labelled_set import PARTS
from par_core.errors import BadConfigError
from par_core.evaluate.leakage.matching import (
    Counterparts,
    cleaned_train,
    leakage_report,
    near_embeddings,
    near_hashes,
    same_label,
)
from par_core.evaluate.leakage.pairs import EmbeddingThreshold, embedding_threshold
from par_core.evaluate.leakage.pictures import Part, picture_features
from par_core.predictions.cache import PredictionCache
from par_core.status import Status

__all__ = ["KINDS", "Leakage", "Limits", "find_leakage", "leakage_figures", "write_cleaned", "write_pairs"]

#: Ways of comparing, surest first.
KINDS: Final = ("identity", "digest", "hash", "embedding")


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as a counterpart.

    Attributes:
        kinds: Some of ``KINDS``, all of which count; none for identity where some identities are known,
            digest and hash, which count, and embedding where not all are known, which then only names
            suspects.
        max_bits: The largest difference of perceptual hashes.
        max_distance: The largest 1 - cosine of embeddings; None chooses it on known pairs.
        false_positives: The rate at which it is chosen.
    """

    kinds: tuple[str, ...] = ()
    max_bits: int = 10
    max_distance: float | None = None
    false_positives: float = 1e-4


@dataclass(frozen=True, slots=True)
class Leakage:
    """Counterparts between two parts.

    Attributes:
        train: The part that is trained on.
        test: The part that is tested on.
        counterparts: Counterparts by each way of comparing that counts, surest first.
        suspected: Counterparts by embedding, where that does not count.
        max_distance: Largest distance of embeddings; None where they were not compared.
        chosen: How that was chosen, or None where it was given.
        statuses: Statuses of the pictures of train, then of test.
    """

    train: Part
    test: Part
    counterparts: tuple[Counterparts, ...]
    suspected: tuple[Counterparts, ...]
    max_distance: float | None
    chosen: EmbeddingThreshold | None
    statuses: tuple[str, ...]

    @property
    def leaked(self) -> Bool[np.ndarray, " n"]:
        """Whether each test picture has a counterpart by any way of comparing that counts."""
        return np.any([way.nearest >= 0 for way in self.counterparts], axis=0)

    def pairs(self) -> list[dict[str, Any]]:
        """``kind``, ``distance`` and the rows ``test`` and ``train`` of each counterpart, surest kinds and
        least distances first; each pair once.
        """
        listed: set[tuple[int, int]] = set()
        pairs = []
        for way in (*self.counterparts, *self.suspected):
            rows = np.flatnonzero(way.nearest >= 0)
            for i in rows[np.argsort(way.distance[rows], kind="stable")].tolist():
                pair = (i, int(way.nearest[i]))
                if pair not in listed:
                    listed.add(pair)
                    pairs.append(
                        {
                            "test": pair[0],
                            "train": pair[1],
                            "kind": way.kind,
                            "distance": float(way.distance[i]),
                        }
                    )
        return pairs


def find_leakage(
    train: Part, test: Part, limits: Limits, config: RunConfig, cache: PredictionCache
) -> Leakage:
    """Compute the features of all pictures and compare them.

    Args:
        train: The part that is trained on.
        test: The part that is tested on.
        limits: What counts as a counterpart.
        config: Names the models and how people are cut out.
        cache: Predictions, computed where missing.

    Raises:
        BadConfigError: A kind is none of ``KINDS``, or identities are to be compared and none are known.
        BadInputError: The embeddings' threshold cannot be chosen from so few pictures; ``max_distance`` gives
            it.
    """
    kinds = _kinds(limits.kinds, train, test)
    embed = "embedding" in kinds
    trained, tested = (picture_features(part.files, config, cache, embed=embed) for part in (train, test))
    counterparts: list[Counterparts] = []
    distance, chosen = limits.max_distance, None
    for kind in kinds:
        match kind:
            case "identity":
                counterparts.append(
                    same_label(
                        [name or None for name in test.identities],
                        [name or None for name in train.identities],
                        "identity",
                    )
                )
            case "digest":
                counterparts.append(same_label(tested.digests, trained.digests, "digest"))
            case "hash":
                counterparts.append(near_hashes(tested.hashes, trained.hashes, limits.max_bits))
            case _:
                if distance is None:
                    chosen = embedding_threshold(
                        test.files,
                        test.identities,
                        tested,
                        limits.max_bits,
                        limits.false_positives,
                        config,
                        cache,
                    )
                    distance = chosen.threshold.distance
                counterparts.append(near_embeddings(tested.embeddings, trained.embeddings, distance))
    counted = [way for way in counterparts if limits.kinds or way.kind != "embedding"]
    suspected = counterparts[len(counted) :]  # embeddings come last
    return Leakage(
        train,
        test,
        tuple(counted),
        tuple(suspected),
        distance if embed else None,
        chosen,
        trained.statuses + tested.statuses,
    )


def leakage_figures(leakage: Leakage) -> dict[str, Any]:
    """For ``report.json``: ``leakage_report`` of what counts, ``suspected`` by kind,
    ``identities``, ``thresholds`` and ``unreadable``.
    """
    train, test = ({who for who in part.identities if who} for part in (leakage.train, leakage.test))
    thresholds: dict[str, Any] = {}
    if leakage.max_distance is not None:
        thresholds["embedding"] = {"max_distance": leakage.max_distance, **_chosen(leakage)}
    unreadable = Counter(status for status in leakage.statuses if status != Status.OK)
    return {
        **leakage_report(leakage.counterparts),
        "suspected": leakage_report(leakage.suspected)["by_kind"] if leakage.suspected else {},
        "test_kept": int((~leakage.leaked).sum()),
        "identities": {"train": len(train), "test": len(test), "shared": len(train & test)},
        "thresholds": thresholds,
        "unreadable": dict(unreadable),
    }


def write_pairs(file: Path, leakage: Leakage) -> None:
    """Write a CSV file of all pairs: ``test``, ``train``, ``kind``, ``distance``, ``identity`` (of the test
    picture), paths as on disk.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(("test", "train", "kind", "distance", "identity"))
    for pair in leakage.pairs():
        test, train = pair["test"], pair["train"]
        rows.writerow(
            [
                leakage.test.names[test],
                leakage.train.names[train],
                pair["kind"],
                f"{pair['distance']:.6g}",
                leakage.test.identities[test],
            ]
        )
    write_atomic(file, text.getvalue().encode("utf-8", "surrogateescape"))


def write_cleaned(out: Path, leakage: Leakage, data: AttributeSet | None) -> tuple[Path, Path]:
    """Write ``cleaned-train`` (train without counterparts, test as given) and ``cleaned-test`` (test without
    leaking pictures, train as given).

    Args:
        out: Folder.
        leakage: Counterparts that were found.
        data: The data set, written as labels in a CSV file that ``--dataset csv`` reads; None for two
            folders, of which each kept list of paths is written.

    Returns:
        Both files.
    """
    train_kept, test_kept = cleaned_train(leakage.counterparts), np.flatnonzero(~leakage.leaked)
    if data is None:
        texts = [
            (out / f"cleaned-{name}.txt", "".join(f"{part.names[i].absolute()}\n" for i in kept.tolist()))
            for name, part, kept in (("train", leakage.train, train_kept), ("test", leakage.test, test_kept))
        ]
    else:
        left_out = [
            set(part.rows) - {part.rows[i] for i in kept.tolist()}
            for part, kept in ((leakage.train, train_kept), (leakage.test, test_kept))
        ]
        texts = [
            (out / f"cleaned-{name}.csv", _labels(data, without))
            for name, without in zip(("train", "test"), left_out, strict=True)
        ]
    for file, text in texts:
        write_atomic(file, text.encode("utf-8", "surrogateescape"))
    return texts[0][0], texts[1][0]


def _labels(data: AttributeSet, without: set[int]) -> str:
    part_of = {row: part for part in PARTS for row in data.parts.get(part, ())}
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    boxed = () if data.boxes is None else ("x1", "y1", "x2", "y2")
    rows.writerow(("image", *boxed, "identity", "part", *data.attributes))
    for i, person in enumerate(data.people):
        if i not in without:
            box: Sequence[float] = () if data.boxes is None else data.boxes[i].tolist()
            cells = ["" if math.isnan(value) else f"{value:g}" for value in (*box, *person.labels)]
            who = data.identities[i] if data.identities else ""
            rows.writerow([person.image.absolute(), *cells[: len(box)], who, part_of[i], *cells[len(box) :]])
    return text.getvalue()


def _chosen(leakage: Leakage) -> dict[str, Any]:
    if leakage.chosen is None:
        return {"given": True}
    chosen = leakage.chosen.threshold
    return {
        "false_positive_rate": leakage.chosen.rate,
        "mistaken": chosen.mistaken,
        "known_copies": chosen.n_same,
        "known_others": chosen.n_different,
        "copies_found": chosen.found,
        "copies_found_by_change": leakage.chosen.found,
        "pairs_expected_by_mistake": chosen.mistaken * len(leakage.train.files) * len(leakage.test.files),
    }


def _kinds(requested: Sequence[str], train: Part, test: Part) -> tuple[str, ...]:
    wrong = [kind for kind in requested if kind not in KINDS]
    if wrong:
        raise BadConfigError(f"no way of looking {wrong[0]!r}; there are: {', '.join(KINDS)}")
    known = any(train.identities) and any(test.identities)
    if "identity" in requested and not known:
        raise BadConfigError(
            "no identity is known in both parts, so they cannot be compared; leave out --by identity"
        )
    if requested:
        return tuple(kind for kind in KINDS if kind in requested)
    everybody = all(train.identities) and all(test.identities)
    return (*(("identity",) if known else ()), "digest", "hash", *(() if everybody else ("embedding",)))
