"""Sentences about people, and how early each finds the person it is about."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64

from par_core.evaluate.items.figures import Figures, bound

__all__ = ["CUTS", "PersonSearchItems"]

CUTS: Final = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class PersonSearchItems:
    """Sentences about people, and how early each finds the person it is about.

    Attributes:
        queries: q sentences.
        identities: The person that each is about.
        found: Whether a picture of the person is among the first 1, 5 and 10: 0 or 1, or the probability
            where equal scores lie across the cut.
        average_precision: In [0, 1].
        inverse_penalty: In [0, 1], see :func:`par_core.metrics.queries.inverse_negative_penalty`.
    """

    queries: tuple[str, ...]
    identities: tuple[str, ...]
    found: Float64[np.ndarray, "q 3"]
    average_precision: Float64[np.ndarray, " q"]
    inverse_penalty: Float64[np.ndarray, " q"]

    @property
    def images(self) -> int:
        """How many sentences there are to draw from."""
        return len(self.queries)

    @property
    def groups(self) -> tuple[str, ...]:
        """Sentences about the same person are drawn together."""
        return self.identities

    def columns(self) -> dict[str, Float64[np.ndarray, " q"]]:
        """Values of each query by the name of their mean."""
        found = {f"r_at_{cut}": self.found[:, i] for i, cut in enumerate(CUTS)}
        return {**found, "map": self.average_precision, "minp": self.inverse_penalty}

    def figures(self) -> Figures:
        """``r_at_1``, ``r_at_5``, ``r_at_10``, ``map`` and ``minp``: means over the queries."""
        return {name: bound(_mean, values) for name, values in self.columns().items()}

    def table(self) -> pa.Table:
        """One row a query: ``query``, ``identity`` and the values of :meth:`columns`."""
        texts = {"query": self.queries, "identity": self.identities}
        return pa.table({name: pa.array(each, pa.string()) for name, each in texts.items()} | self.columns())

    @classmethod
    def from_table(cls, table: pa.Table) -> "PersonSearchItems":
        """Read what :meth:`table` wrote.

        Raises:
            KeyError: A column is missing.
        """
        columns = {name: table.column(name) for name in ("map", "minp", *(f"r_at_{cut}" for cut in CUTS))}
        values = {name: np.asarray(column, np.float64) for name, column in columns.items()}
        found = np.stack([values[f"r_at_{cut}"] for cut in CUTS], axis=1)
        queries, identities = (tuple(table.column(name).to_pylist()) for name in ("query", "identity"))
        return cls(queries, identities, found, values["map"], values["minp"])


def _mean(values: Float64[np.ndarray, " q"], rows: Int64[np.ndarray, " r"]) -> float:
    return float(values[rows].mean())
