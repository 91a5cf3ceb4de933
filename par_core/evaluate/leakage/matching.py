"""Leakage between the parts of a data set: test images that have a counterpart of the same pedestrian in
train.

Such images make a model look better than it is (Jia et al., "Rethinking of pedestrian attribute recognition",
2020, section 3; paper, section 3). Where identities are known they decide; where not, exact copies are found
by digest, near copies by perceptual hash, and other views of the same person by the neighbourhood of
embeddings. Nothing here holds more than a block of distances in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from par_core.errors import BadInputError
from par_core.evaluate.leakage.perceptual_hash import BITS, hash_distances

__all__ = [
    "Counterparts",
    "cleaned_train",
    "leakage_report",
    "near_embeddings",
    "near_hashes",
    "same_label",
]

Kind = Literal["identity", "digest", "hash", "embedding"]

_TEST_BLOCK: Final = 256
_TRAIN_BLOCK: Final = 16_384
_NORM_TOLERANCE: Final = 1e-3

_Distances = Callable[[slice, slice], np.ndarray]


@dataclass(frozen=True, slots=True)
class Counterparts:
    """Which test images have a counterpart in train, by one way of comparing.

    Attributes:
        kind: Way of comparing.
        nearest: (n,) for each test image the train image nearest to it, the first of several; -1 if none
            counts as a counterpart.
        distance: (n,) its distance: 0 for identities and digests, bits for hashes, 1 - cosine for embeddings;
            NaN if there is none.
        known: (n,) whether the test image could be compared at all: its identity, digest, hash or embedding
            is known.
        train: (m,) whether a train image is a counterpart of any test image.
    """

    kind: Kind
    nearest: Int64[np.ndarray, " n"]
    distance: Float64[np.ndarray, " n"]
    known: Bool[np.ndarray, " n"]
    train: Bool[np.ndarray, " m"]

    @property
    def share(self) -> float:
        """Share of the comparable test images that have a counterpart: the figure of Jia et al.; NaN if none
        could be compared.
        """
        return float((self.nearest >= 0).sum() / self.known.sum()) if self.known.any() else float("nan")

    def rows(self, test: Sequence[str], train: Sequence[str]) -> list[dict[str, Any]]:
        """Return one row for each test image with a counterpart: ``test``, ``train``, ``kind``, ``distance``.

        Args:
            test: Names of the test images, in order.
            train: Names of the train images, in order.
        """
        leaked = np.flatnonzero(self.nearest >= 0)
        return [
            {
                "test": test[i],
                "train": train[int(self.nearest[i])],
                "kind": self.kind,
                "distance": float(self.distance[i]),
            }
            for i in leaked.tolist()
        ]


def same_label(
    test: Sequence[str | None], train: Sequence[str | None], kind: Literal["identity", "digest"]
) -> Counterparts:
    """Counterparts with the same identity, or with the same digest of the file's bytes.

    Args:
        test: Labels of the test images; None where unknown, which equals nothing.
        train: Labels of the train images, likewise.
        kind: What the labels are.
    """
    first: dict[str, int] = {}
    for i, label in enumerate(train):
        if label is not None:
            first.setdefault(label, i)
    nearest = np.array([-1 if label is None else first.get(label, -1) for label in test], np.int64)
    tested = {label for label in test if label is not None}
    return Counterparts(
        kind,
        nearest,
        np.where(nearest >= 0, 0.0, np.nan),
        np.array([label is not None for label in test], bool),
        np.array([label in tested for label in train], bool),
    )


def near_hashes(test: Sequence[int | None], train: Sequence[int | None], max_bits: int) -> Counterparts:
    """Counterparts whose perceptual hashes differ in few bits.

    Args:
        test: Hashes of the test images; None where the image could not be read.
        train: Hashes of the train images, likewise.
        max_bits: The largest difference that counts, from 0; see ``leakage.threshold``.

    Raises:
        BadInputError: ``max_bits`` is not between 0 and 64.
    """
    if not 0 <= max_bits <= BITS:
        raise BadInputError(f"expected a difference of 0 to {BITS} bits, got {max_bits}")
    tested, trained = (np.array([value is not None for value in hashes], bool) for hashes in (test, train))
    a, b = (np.array([value for value in hashes if value is not None], np.uint64) for hashes in (test, train))
    return _search(
        "hash",
        tested,
        trained,
        lambda rows, columns: hash_distances(a[rows, None], b[None, columns]),
        float(max_bits),
    )


def near_embeddings(
    test: Float32[np.ndarray, "n d"], train: Float32[np.ndarray, "m e"], max_distance: float
) -> Counterparts:
    """Counterparts whose embeddings are close.

    Args:
        test: Embeddings of the test images, rows of L2 norm 1; a row of NaN where there is none.
        train: Embeddings of the train images, likewise.
        max_distance: The largest 1 - cosine that counts, 0 to 2; see ``leakage.threshold``.

    Raises:
        BadInputError: A row is neither of norm 1 nor of NaN, or the sizes differ.
    """
    if test.shape[1] != train.shape[1]:
        raise BadInputError(
            f"expected embeddings of one size, got {test.shape[1]} for test and {train.shape[1]} for train"
        )
    tested, trained = (_known_rows(rows, name) for rows, name in ((test, "test"), (train, "train")))
    a, b = test[tested], train[trained]
    return _search(
        "embedding",
        tested,
        trained,
        lambda rows, columns: np.maximum(1 - a[rows] @ b[columns].T, 0),
        max_distance,
    )


def _known_rows(embeddings: Float32[np.ndarray, "n d"], name: str) -> Bool[np.ndarray, " n"]:
    known = ~np.isnan(embeddings).any(axis=1)
    off = np.flatnonzero(known & ~(np.abs(np.linalg.norm(embeddings, axis=1) - 1) <= _NORM_TOLERANCE))
    if len(off):
        raise BadInputError(
            f"expected {name} embeddings of L2 norm 1, got {np.linalg.norm(embeddings[off[0]]):.4g} in row"
            f" {off[0]} ({len(off)} such rows)"
        )
    return known


def _search(
    kind: Kind,
    tested: Bool[np.ndarray, " n"],
    trained: Bool[np.ndarray, " m"],
    distances: _Distances,
    limit: float,
) -> Counterparts:
    """Compare all known test images with all known train images, block by block."""
    tests, trains = np.flatnonzero(tested), np.flatnonzero(trained)
    best, place = np.full(len(tests), np.inf), np.full(len(tests), -1)
    hit = np.zeros(len(trains), bool)
    for rows in _blocks(len(tests), _TEST_BLOCK):
        for columns in _blocks(len(trains), _TRAIN_BLOCK):
            block = distances(rows, columns)
            close = block <= limit
            if not close.any():  # the common case: nothing to note
                continue
            hit[columns] |= close.any(axis=0)
            at = block.argmin(axis=1)
            value = np.take_along_axis(block, at[:, None], axis=1)[:, 0]
            nearer = (value <= limit) & (value < best[rows])
            best[rows][nearer], place[rows][nearer] = value[nearer], trains[columns.start + at[nearer]]
    nearest, distance, train = (
        np.full(len(tested), -1),
        np.full(len(tested), np.nan),
        np.zeros(len(trained), bool),
    )
    nearest[tests], distance[tests], train[trains] = place, np.where(place >= 0, best, np.nan), hit
    return Counterparts(kind, nearest, distance, tested, train)


def _blocks(total: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def cleaned_train(counterparts: Sequence[Counterparts]) -> Int64[np.ndarray, " k"]:
    """Return the train images to keep: those that are a counterpart of no test image, by any way of
    comparing.

    Raises:
        BadInputError: No counterparts are given, or they are of different train parts.
    """
    sizes = {len(way.train) for way in counterparts}
    if len(sizes) != 1:
        raise BadInputError(f"expected counterparts in one train part, got parts of {sorted(sizes)} images")
    return np.flatnonzero(~np.any([way.train for way in counterparts], axis=0))


def leakage_report(counterparts: Sequence[Counterparts]) -> dict[str, Any]:
    """Return the shares for a table.

    Returns:
        ``test``, ``train`` and ``train_kept``, numbers of images; ``share``, of the test images with a
        counterpart of any kind; and ``by_kind`` with ``share``, ``test_leaked``, ``test_unknown`` (could not
        be compared) and ``train_leaked``.

    Raises:
        BadInputError: As ``cleaned_train``.
    """
    kept = cleaned_train(counterparts)
    leaked = np.any([way.nearest >= 0 for way in counterparts], axis=0)
    known = np.any([way.known for way in counterparts], axis=0)
    by_kind = {
        way.kind: {
            "share": way.share,
            "test_leaked": int((way.nearest >= 0).sum()),
            "test_unknown": int((~way.known).sum()),
            "train_leaked": int(way.train.sum()),
        }
        for way in counterparts
    }
    return {
        "test": len(leaked),
        "train": len(counterparts[0].train),
        "train_kept": len(kept),
        "share": float(leaked.sum() / known.sum()) if known.any() else float("nan"),
        "by_kind": by_kind,
    }
