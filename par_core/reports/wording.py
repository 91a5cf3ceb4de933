"""Numbers and names as people read them."""

import math
from collections.abc import Sequence

from par_core.metrics.bootstrap import Interval

__all__ = ["ends", "how_intervals", "number", "signed", "spoken", "with_ends"]


def number(value: float | int | None) -> str:
    """Three digits after the point; whole numbers whole; a dash for what is not defined."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def signed(value: float) -> str:
    """With its sign; a zero has none."""
    return "–" if math.isnan(value) else f"{value:+.3f}".replace("-", "−") if round(value, 3) else "0.000"


def ends(interval: Interval) -> str:
    """``0.701 to 0.812``; nothing where there is no interval."""
    return "" if math.isnan(interval.low) else f"{interval.low:.3f} to {interval.high:.3f}".replace("-", "−")


def how_intervals(groups: Sequence[str] | None) -> str:
    """The sentence of a report that says how its intervals were computed.

    Args:
        groups: Which images were drawn together, a name for each image; None for single images.
    """
    unit = "images" if groups is None else f"{len(set(groups)):,} identities, each with all of its images"
    chance = "the chance in the choice of people, not that of training"
    return f"Intervals are 95 % percentile bootstraps over {unit}, 1,000 resamples: {chance}."


def with_ends(interval: Interval) -> str:
    """``0.755 (0.701 to 0.812)``."""
    return f"{number(interval.estimate)} ({ends(interval)})" if ends(interval) else number(interval.estimate)


def spoken(name: str) -> str:
    """A name of the vocabulary in words."""
    return name.replace("_", " ")
