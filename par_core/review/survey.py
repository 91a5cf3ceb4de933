"""Survey: one pass over the archive before a review is started or resumed. It counts the people of each
stratum, lists the people to be drawn next, and measures location and scale of the embeddings.

Strata are the best 100 people by the text, the ranks 101 to 1,000, 1,001 to 10,000, and so on. Their bounds
are cosines that are chosen once, when the review starts. The random order within a stratum is the order of a
keyed digest of the person's id, so it does not depend on any answer. Rows are read in batches; the memory
needed does not grow with the archive (about 10 MB, and 70 bytes for each person who is waiting to be drawn or
was proposed).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64, Int64, UInt64

from par_core.review.probe import Scale

__all__ = ["PeopleRows", "Survey", "choose_bounds", "strata_of", "survey_people"]

_FIRST: Final = 100  # people in the first stratum
_BINS: Final = 1 << 18  # of the histogram of cosines, in [-1, 1]
_WAITING: Final = 2_000  # people of a stratum that are drawn before the archive is read again


@runtime_checkable
class PeopleRows(Protocol):
    """The methods of the index (``par_core.store.lance.PeopleIndex``) that a review uses."""

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        """Yield rows, a batch at a time."""
        ...

    def search(self, vector: np.ndarray, *, where: str | None, top: int, columns: Sequence[str]) -> pa.Table:
        """Return rows by ascending cosine distance."""
        ...

    def rows(self, person_ids: Sequence[str]) -> pa.Table:
        """Return the rows of people by id."""
        ...


@dataclass(frozen=True, slots=True)
class Survey:
    """Summary of the archive for a review.

    Attributes:
        people: Number of people in each stratum.
        digests: Digest of the ids in each stratum: equal as long as no person was added or removed.
        waiting: Ids of the people of each stratum to be drawn next, in order; none of them was proposed.
        proposed_vectors: Embeddings, (d,), of the proposed people who are still in the archive, by id.
        scale: Location and scale of the embeddings.
    """

    people: tuple[int, ...]
    digests: tuple[str, ...]
    waiting: tuple[list[str], ...]
    proposed_vectors: dict[str, Float32[np.ndarray, " d"]]
    scale: Scale


def choose_bounds(
    people: PeopleRows, where: str | None, text: Float32[np.ndarray, " d"]
) -> tuple[float, ...]:
    """Return the cosines with the text, falling, between neighbouring strata: one fewer than strata; none in
    an archive of few people.
    """
    counts = np.zeros(_BINS, np.int64)
    for batch in people.scan(["vector"], where):
        cosines = _vectors(batch) @ text.astype(np.float64)
        counts += np.bincount(
            np.clip((cosines + 1) / 2 * _BINS, 0, _BINS - 1).astype(np.int64), minlength=_BINS
        )
    from_best = counts[::-1].cumsum()
    last_ranks = _FIRST * 10 ** np.arange(12)
    edges = np.searchsorted(from_best, last_ranks[last_ranks < from_best[-1]]) + 1
    return tuple(
        float(1 - 2 * edge / _BINS)
        for edge in dict.fromkeys(edges.tolist())
        if from_best[edge - 1] < from_best[-1]
    )


def survey_people(
    people: PeopleRows,
    where: str | None,
    text: Float32[np.ndarray, " d"],
    bounds: tuple[float, ...],
    seed: int,
    proposed: Collection[str],
) -> Survey:
    """Survey the archive: read the rows of all people once.

    Args:
        people: The index.
        where: SQL condition of the people who take part, or None.
        text: Embedding of the text.
        bounds: See ``choose_bounds``.
        seed: Seed of the random order.
        proposed: Ids of people who were proposed; they are not listed as waiting.
    """
    n, strata = 0, len(bounds) + 1
    counts, sums = np.zeros(strata, np.int64), np.zeros(strata, np.uint64)
    heads = [_Head() for _ in range(strata)]
    known = np.array(sorted(proposed), "S32")
    vectors: dict[str, np.ndarray] = {}
    moments = _Moments(len(text) + 1)
    for batch in people.scan(["person_id", "vector"], where):
        rows, ids = _vectors(batch), np.array(batch["person_id"].to_pylist(), "S32")
        cosines = rows @ text.astype(np.float64)
        moments.add(np.column_stack([rows, cosines]))
        n += len(ids)
        keys = _keys(ids, seed)
        stratum = strata_of(cosines, bounds)
        is_known = np.isin(ids, known)
        vectors |= {ids[i].decode(): rows[i].astype(np.float32) for i in np.flatnonzero(is_known)}
        for i in range(strata):
            inside = stratum == i
            counts[i] += inside.sum()
            # modulo 2^64; for a scalar NumPy would warn
            sums[i : i + 1] += keys[inside].sum(dtype=np.uint64)
            heads[i].add(keys[inside & ~is_known], ids[inside & ~is_known])
    middle, spread = moments.mean_and_deviation()
    return Survey(
        tuple(counts.tolist()),
        tuple(f"{count:x}-{total:016x}" for count, total in zip(counts.tolist(), sums.tolist(), strict=True)),
        tuple(head.in_order() for head in heads),
        vectors,
        Scale(middle[:-1], spread[:-1], float(middle[-1]), float(spread[-1])),
    )


def strata_of(cosines: Float64[np.ndarray, " n"], bounds: tuple[float, ...]) -> Int64[np.ndarray, " n"]:
    """Return the stratum of each cosine with the text, 0 is best; a bound belongs to the better stratum."""
    return np.searchsorted(-np.array(bounds), -cosines, side="left")


class _Head:
    """The ids with the smallest keys so far."""

    def __init__(self) -> None:
        self._keys, self._ids = np.zeros(0, np.uint64), np.zeros(0, "S32")

    def add(self, keys: UInt64[np.ndarray, " n"], ids: np.ndarray) -> None:
        self._keys, self._ids = np.concatenate([self._keys, keys]), np.concatenate([self._ids, ids])
        if len(self._keys) > _WAITING:
            kept = np.argpartition(self._keys, _WAITING - 1)[:_WAITING]
            self._keys, self._ids = self._keys[kept], self._ids[kept]

    def in_order(self) -> list[str]:
        return [name.decode() for name in self._ids[np.argsort(self._keys)]]


class _Moments:
    """Mean and standard deviation of columns, batch by batch. It sums deviations from the mean of the first
    batch, which keeps precision.
    """

    def __init__(self, columns: int) -> None:
        self._n, self._origin = 0, np.zeros(columns)
        self._sum, self._squares = np.zeros(columns), np.zeros(columns)

    def add(self, rows: Float64[np.ndarray, "n c"]) -> None:
        if not self._n and len(rows):
            self._origin = rows.mean(axis=0)
        apart = rows - self._origin
        self._n += len(rows)
        self._sum += apart.sum(axis=0)
        self._squares += np.einsum("ij,ij->j", apart, apart)

    def mean_and_deviation(self) -> tuple[Float64[np.ndarray, " c"], Float64[np.ndarray, " c"]]:
        mean = self._sum / max(self._n, 1)
        deviation = np.sqrt(np.maximum(self._squares / max(self._n, 1) - mean**2, 0))
        return self._origin + mean, np.where(deviation > 1e-9, deviation, 1.0)


def _vectors(batch: pa.RecordBatch) -> Float64[np.ndarray, "n d"]:
    column = batch["vector"]
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1).astype(np.float64)


def _keys(ids: np.ndarray, seed: int) -> UInt64[np.ndarray, " n"]:
    """Hash each hexadecimal id with the seed (finaliser of splitmix64; Steele, Lea and Flood 2014)."""
    halves = (
        np.frombuffer(bytes.fromhex(b"".join(ids.tolist()).decode()), ">u8")
        .reshape(len(ids), 2)
        .astype(np.uint64)
    )
    mixed = halves[:, 0] ^ np.uint64(seed)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
