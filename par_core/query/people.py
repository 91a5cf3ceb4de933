"""Rows of the index that are judged by the parts of a question."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64

from par_core.models.named_evidence import ColourShares, KnownPeople
from par_core.query.person import column_of_numbers

__all__ = ["People"]


@dataclass(frozen=True)
class People:
    """Rows of the index that are judged.

    Attributes:
        table: The columns that are judged, or all.
        attributes: Names of the attribute columns.
        read: Reads the columns that are shown of some rows of the table; None where it has them.
    """

    table: pa.Table
    attributes: tuple[str, ...]
    read: Callable[[pa.Table], pa.Table] | None = None

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def ids(self) -> list[str]:
        """Ids of the people."""
        ids: list[str] = self.table["person_id"].to_pylist()
        return ids

    @cached_property
    def vectors(self) -> Float32[np.ndarray, "n d"]:
        """Embeddings of the people."""
        column = self.table["vector"].combine_chunks()
        return np.asarray(column.flatten(), np.float32).reshape(len(column), column.type.list_size)

    @cached_property
    def known(self) -> KnownPeople:
        """Embeddings, attributes and colours, against which texts are weighed."""
        colours = {place: self.table[f"{place}_color"].to_pylist() for place in ("upper", "lower")}
        return KnownPeople(self.vectors, self.probabilities, colours)

    @cached_property
    def colour_shares(self) -> ColourShares:
        """Share of each colour among the people."""
        return self.known.colour_shares()

    @cached_property
    def probabilities(self) -> Mapping[str, np.ndarray]:
        """Probabilities of each attribute by name, NaN where not known."""
        return _Probabilities(self.table, self.attributes)

    @cached_property
    def cutouts(self) -> Float64[np.ndarray, " n"]:
        """How good each cut-out is, in [0, 1]; NaN where the index does not say."""
        if "cutout" not in self.table.column_names:
            return np.full(len(self), np.nan)
        return column_of_numbers(self.table["cutout"])

    def take(self, rows: np.ndarray) -> "People":
        """Return some of the people, in the order of row numbers."""
        return People(self.table.take(pa.array(rows, pa.int64())), self.attributes, self.read)

    def whole_rows(self) -> pa.Table:
        """Return the columns that are shown of the people, and others."""
        return self.table if self.read is None else self.read(self.table)


class _Probabilities(Mapping[str, np.ndarray]):
    """Columns of a table as numbers, each made when it is first looked up: a question names few of them."""

    def __init__(self, table: pa.Table, names: Sequence[str]) -> None:
        self._table, self._names = table, names
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = column_of_numbers(self._table[name]).astype(np.float32)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
