"""An archive in memory: what a review needs of the index, without LanceDB."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from par_core.ids import digest_of


class People:
    """An archive in memory."""

    def __init__(self, vectors: np.ndarray, seed: int, batch: int = 1_000) -> None:
        self.vectors, self._batch = vectors, batch
        self.ids = [digest_of(f"{seed}-{row}") + digest_of(f"{row}-{seed}") for row in range(len(vectors))]
        self._rows = {person_id: row for row, person_id in enumerate(self.ids)}

    def _table(self, rows: np.ndarray) -> pa.Table:
        vectors = pa.FixedSizeListArray.from_arrays(self.vectors[rows].ravel(), self.vectors.shape[1])
        return pa.table({"person_id": [self.ids[row] for row in rows], "vector": vectors})

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        yield from self._table(np.arange(len(self.ids))).select(list(columns)).to_batches(self._batch)

    def search(self, vector: np.ndarray, *, where: str | None, top: int, columns: Sequence[str]) -> pa.Table:
        return self._table(np.argsort(-(self.vectors @ vector))[:top]).select(list(columns))

    def rows(self, person_ids: Sequence[str]) -> pa.Table:
        return self._table(np.array([self._rows[person_id] for person_id in person_ids], np.int64))
