"""Intervals of the figures of one run, and differences between two runs on the same images."""

from typing import Final

from par_core.evaluate.items import Items
from par_core.metrics.bootstrap import Interval, bootstrap_rows

__all__ = ["SEED", "differences", "groups_of", "intervals"]

#: Seed of the draws, in every report: the same images or identities are drawn for all figures.
SEED: Final = 0


def intervals(items: Items) -> dict[str, Interval]:
    """Return a run's figures with 95 % intervals by the bootstrap over identities if known, else images."""
    n, groups, figures = items.images, items.groups, items.figures()
    return {name: bootstrap_rows(n, figure, groups, seed=SEED) for name, figure in figures.items()}


def groups_of(first: Items, second: Items) -> tuple[str, ...] | None:
    """Return the group of each image, which are drawn together, when two runs on the same images are
    compared.

    A run that was saved without identities takes those of the other; None if neither knows any.
    """
    return first.groups if first.groups is not None else second.groups


def differences(first: Items, second: Items) -> dict[str, Interval]:
    """Second minus first, with paired 95 % intervals: every resample holds the same images for both.

    Identities are drawn where one of the runs knows them, else images.

    Args:
        first: Items of one run.
        second: Items of another run on the same images in the same order.

    Returns:
        Differences of the figures that both have.
    """
    before, after, groups = first.figures(), second.figures(), groups_of(first, second)
    return {
        name: bootstrap_rows(
            first.images,
            lambda rows, a=before[name], b=after[name]: b(rows) - a(rows),  # type: ignore[misc]
            groups,
            seed=SEED,
        )
        for name in before
        if name in after
    }
