"""Intervals of the figures of one run, and differences between two runs on the same images."""

from typing import Final

from par_core.evaluate.items import Items
from par_core.metrics.bootstrap import Interval, bootstrap_rows

__all__ = ["SEED", "differences", "intervals"]

#: Of the draws of images, in every report: the same images are drawn for all figures.
SEED: Final = 0


def intervals(items: Items) -> dict[str, Interval]:
    """The figures of a run with 95 % intervals by the bootstrap over images."""
    return {name: bootstrap_rows(items.images, figure, seed=SEED) for name, figure in items.figures().items()}


def differences(first: Items, second: Items) -> dict[str, Interval]:
    """Second minus first, with paired 95 % intervals: every resample holds the same images for both.

    Args:
        first: Of one run.
        second: Of another run on the same images in the same order.

    Returns:
        The figures that both have.
    """
    before, after = first.figures(), second.figures()
    return {
        name: bootstrap_rows(
            first.images,
            lambda rows, a=before[name], b=after[name]: b(rows) - a(rows),  # type: ignore[misc]
            seed=SEED,
        )
        for name in before
        if name in after
    }
