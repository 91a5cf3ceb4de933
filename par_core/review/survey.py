"""One pass over the archive before a review goes on: how large its strata are, who would be drawn next, how
the embeddings are spread.

Strata are the best 100 people by the text, the ranks 101 to 1,000, 1,001 to 10,000, and so on. Their bounds
are cosines that are chosen once, when the review starts. The random order in every stratum is that of a keyed
digest of the person's id: it depends on nothing that anybody judges. Batches of rows stream by; what stays in
memory does not grow with the archive (about 10 MB, and 70 bytes for each person who waits to be drawn or was
asked about).
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
_BINS: Final = 1 << 18  # of the cosine, in [-1, 1]
_WAITING: Final = 2_000  # people of a stratum that are drawn before the archive is read again


@runtime_checkable
class PeopleRows(Protocol):
    """What a review needs of the index (``par_core.store.lance.PeopleIndex``)."""

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        """Rows, a batch at a time."""
        ...

    def search(self, vector: np.ndarray, *, where: str | None, top: int, columns: Sequence[str]) -> pa.Table:
        """Rows by ascending cosine distance."""
        ...

    def rows(self, person_ids: Sequence[str]) -> pa.Table:
        """People by id."""
        ...


@dataclass(frozen=True, slots=True)
class Survey:
    """What the archive looks like to a review.

    Attributes:
        people: In each stratum.
        digests: Of the ids in each stratum: equal as long as nobody came or went.
        waiting: Of each stratum, those to be drawn next, in order; nobody who was asked about.
        asked: Embeddings, (d,), of those who were asked about and are still there, by id.
        scale: Of the embeddings.
    """

    people: tuple[int, ...]
    digests: tuple[str, ...]
    waiting: tuple[list[str], ...]
    asked: dict[str, Float32[np.ndarray, " d"]]
    scale: Scale


def choose_bounds(
    people: PeopleRows, where: str | None, text: Float32[np.ndarray, " d"]
) -> tuple[float, ...]:
    """Cosines with the text, falling, that part the strata: one less than there are strata; none in an
    archive of few people.
    """
    counts = np.zeros(_BINS, np.int64)
    for batch in people.scan(["vector"], where):
        cosines = _vectors(batch) @ text.astype(np.float64)
        counts += np.bincount(
            np.clip((cosines + 1) / 2 * _BINS, 0, _BINS - 1).astype(np.int64), minlength=_BINS
        )
    from_best = counts[::-1].cumsum()
    wanted = _FIRST * 10 ** np.arange(12)
    edges = np.searchsorted(from_best, wanted[wanted < from_best[-1]]) + 1
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
    asked: Collection[str],
) -> Survey:
    """Read everybody once.

    Args:
        people: The index.
        where: SQL of who takes part.
        text: Embedding of the text.
        bounds: See ``choose_bounds``.
        seed: Of the random order.
        asked: Ids of those who were asked about; they wait no more.
    """
    n, strata = 0, len(bounds) + 1
    counts, sums = np.zeros(strata, np.int64), np.zeros(strata, np.uint64)
    heads = [_Head() for _ in range(strata)]
    known = np.array(sorted(asked), "S32")
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
        for each in range(strata):
            inside = stratum == each
            counts[each] += inside.sum()
            # modulo 2^64; of one number NumPy would warn
            sums[each : each + 1] += keys[inside].sum(dtype=np.uint64)
            heads[each].add(keys[inside & ~is_known], ids[inside & ~is_known])
    middle, spread = moments.mean_and_deviation()
    return Survey(
        tuple(counts.tolist()),
        tuple(f"{count:x}-{total:016x}" for count, total in zip(counts.tolist(), sums.tolist(), strict=True)),
        tuple(head.in_order() for head in heads),
        vectors,
        Scale(middle[:-1], spread[:-1], float(middle[-1]), float(spread[-1])),
    )


def strata_of(cosines: Float64[np.ndarray, " n"], bounds: tuple[float, ...]) -> Int64[np.ndarray, " n"]:
    """The stratum of each cosine with the text, 0 is best; one on a bound belongs to the better side."""
    return np.searchsorted(-np.array(bounds), -cosines, side="left")


class _Head:
    """The ids of the smallest keys seen."""

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
    """Mean and deviation of columns whose rows stream by (sums of deviations from the first batch's mean,
    which keeps digits).
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
    """A digest of each hexadecimal id and the seed (the finaliser of splitmix64; Steele, Lea and Flood 2014)."""
    halves = (
        np.frombuffer(bytes.fromhex(b"".join(ids.tolist()).decode()), ">u8")
        .reshape(len(ids), 2)
        .astype(np.uint64)
    )
    mixed = halves[:, 0] ^ np.uint64(seed)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
