"""The table of people as a search sees it: the methods it must have, and the check that the model of the
question is the one that filled it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from par_core.errors import BadConfigError, FingerprintError
from par_core.store.lance import ResidentPeople

__all__ = ["PeopleTable", "Scanned", "check_embedding"]


@runtime_checkable
class Scanned(Protocol):
    """A table that can be read from end to end."""

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        """Read rows a batch at a time."""
        ...


@runtime_checkable
class PeopleTable(Scanned, Protocol):
    """The methods of the index that a search needs (``par_core.store.lance.PeopleIndex``)."""

    path: Path  # the folder of the store holds it

    @property
    def read_identity(self) -> tuple[str, int]:
        """Key of the version."""
        ...

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Columns that a filter may name."""
        ...

    @property
    def resident(self) -> ResidentPeople | None:
        """What searches need of it in memory, if it was read."""
        ...

    @property
    def profile(self) -> str:
        """Name of the profile that filled it."""
        ...

    @property
    def embedding_fingerprint(self) -> str:
        """Fingerprint of the model whose vectors it holds."""
        ...

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The probability from which each attribute counts as seen."""
        ...

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attribute columns."""
        ...

    def search(
        self,
        vector: Sequence[float] | np.ndarray | None,
        *,
        where: str | None,
        top: int,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows by ascending cosine distance."""
        ...

    def count(self, where: str | None = None) -> int:
        """Return the number of rows for which SQL holds."""
        ...

    def unless_erased(self) -> AbstractContextManager[None]:
        """Turn an error in the block into IndexChangedError where the table was erased meanwhile."""
        ...

    def rows(self, person_ids: Sequence[str]) -> pa.Table:
        """Return rows by id."""
        ...

    def sample(self, n: int, columns: Sequence[str], seed: int = 0) -> pa.Table:
        """Return some rows, drawn at random."""
        ...

    def __len__(self) -> int: ...


def check_embedding(index: PeopleTable, fingerprint: str, profile: str) -> None:
    """Refuse a query whose model is not the one that filled the index.

    Raises:
        BadConfigError: The index is empty.
        FingerprintError: The models differ.
    """
    if len(index) == 0:
        raise BadConfigError("the store holds no people yet; fill it with: par index SOURCE --store DIR")
    if index.embedding_fingerprint != fingerprint:
        raise FingerprintError(
            f"the store was filled with the embedding {index.embedding_fingerprint} of profile"
            f" {index.profile}, profile {profile} has {fingerprint} here; search with the profile (--profile)"
            " and weights that filled it, or index again with these"
        )
