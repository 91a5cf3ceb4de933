"""What intervals and comparisons need of the items of an evaluation."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

__all__ = ["Figures", "Items", "bound", "mean"]

Figures = dict[str, Callable[[Int64[np.ndarray, " r"]], float]]


@runtime_checkable
class Items(Protocol):
    """What intervals and comparisons need."""

    @property
    def images(self) -> int:
        """How many images there are to draw from."""
        ...

    @property
    def groups(self) -> tuple[str, ...] | None:
        """Which images are drawn together: one name for each image; None draws single images."""
        ...

    def figures(self) -> Figures:
        """Functions of the images drawn, by name of the figure: means first, then ``metric: attribute or
        query``.
        """
        ...

    def table(self) -> pa.Table:
        """For ``items.parquet``."""
        ...


def bound(
    figure: Callable[[Any, Int64[np.ndarray, " r"]], float], which: Any
) -> Callable[[Int64[np.ndarray, " r"]], float]:
    """Return a figure of one attribute or query as a function of the images drawn."""
    return lambda rows: figure(which, rows)


def mean(values: Sequence[float]) -> float:
    """Return the mean; NaN if a value is, since a mean over fewer attributes or queries is another figure."""
    return float(np.mean(values))
