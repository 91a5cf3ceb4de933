"""Two reports on the same data, side by side: differences and their intervals."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from par_core.errors import BadConfigError
from par_core.evaluate.comparison import SEED, differences, groups_of
from par_core.evaluate.items import AttributeItems, Items
from par_core.evaluate.saved_run import SavedRun
from par_core.metrics.bootstrap import Interval
from par_core.reports.document import Bar, Figure, Report, Section, Table
from par_core.reports.wording import ends, how_intervals, number, signed, spoken

__all__ = ["Difference", "compare_runs", "comparison_object", "comparison_report"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference of a figure between two runs.

    Attributes:
        name: Name of the figure.
        first: Figure of the first run.
        second: Figure of the second.
        change: Second minus first, with its paired interval.
    """

    name: str
    first: float
    second: float
    change: Interval

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval excludes 0."""
        return self.change.low > 0 or self.change.high < 0


def compare_runs(first: SavedRun, second: SavedRun) -> list[Difference]:
    """Compare the figures that both runs have; of attributes, those that both have scored, and means over
    these.

    Raises:
        BadConfigError: They are of different kinds or on different data.
    """
    if first.kind != second.kind:
        raise BadConfigError(
            f"{first.folder} and {second.folder} are of different kinds: {first.kind} and {second.kind}"
        )
    if first.data_digest != second.data_digest:
        digests = f"{first.data_digest} and {second.data_digest}"
        raise BadConfigError(
            f"{first.folder} and {second.folder} are on different data, so that their images cannot be"
            f" paired: digests {digests}"
        )
    before, after = _common(first.items, second.items)
    if before.images != after.images:
        raise BadConfigError(
            f"{first.folder} holds {before.images} images, {second.folder} {after.images}, though they name"
            " the same data"
        )
    everybody, was, now = np.arange(before.images), before.figures(), after.figures()
    return [
        Difference(name, was[name](everybody), now[name](everybody), change)
        for name, change in differences(before, after).items()
    ]


def comparison_object(first: SavedRun, second: SavedRun, changes: list[Difference]) -> dict[str, Any]:
    """For JSON; what is not defined is None."""
    rows = {}
    for difference in changes:
        values = {
            "first": difference.first,
            "second": difference.second,
            "difference": difference.change.estimate,
            "low": difference.change.low,
            "high": difference.change.high,
        }
        rows[difference.name] = {
            name: None if math.isnan(value) else value for name, value in values.items()
        } | {"beyond_chance": difference.beyond_chance}
    return {"differences": rows, "first": first.about, "second": second.about, "seed": SEED}


def comparison_report(first: SavedRun, second: SavedRun, changes: list[Difference]) -> Report:
    """Return the page."""
    rows = tuple(
        (
            spoken(difference.name),
            signed(difference.change.estimate),
            ends(difference.change),
            number(difference.first),
            number(difference.second),
        )
        for difference in changes
    )
    bars = tuple(Bar.of(difference.change) for difference in changes)
    reach = (
        max(
            (abs(end) for bar in bars for end in (bar.low, bar.value, bar.high) if not math.isnan(end)),
            default=0.0,
        )
        or 1.0
    )
    table = Table(
        ("figure", "difference", "95 % interval", "first", "second"), rows, bars, 0.0, (-reach, reach)
    )
    decided = [difference for difference in changes if difference.beyond_chance]
    figures = (
        Figure("figures compared", str(len(changes))),
        Figure("better beyond chance", str(sum(difference.change.low > 0 for difference in decided))),
        Figure("worse beyond chance", str(sum(difference.change.high < 0 for difference in decided))),
        Figure("images", str(first.items.images)),
    )
    about = first.about
    conventions = (
        "Differences are second minus first; higher is better for every figure.",
        (
            "Intervals are paired: every resample holds the same images for both runs. One without 0 speaks"
            " for a real difference."
        ),
        "Of many figures some leave 0 out by chance alone: about one in twenty where nothing differs.",
        how_intervals(groups_of(first.items, second.items)),
    )
    title = f"{about['kind'].capitalize()} on {about['dataset']}: two runs"
    subtitle = (
        f"First: {first.folder} ({first.about['models']}). Second: {second.folder}"
        f" ({second.about['models']})."
    )
    section = Section(
        "Differences", "Second minus first. Bars begin at 0, which is no difference.", table=table
    )
    return Report(
        title, subtitle, figures, (section,), conventions, {"first": first.about, "second": second.about}
    )


def _common(first: Items, second: Items) -> tuple[Items, Items]:
    if not isinstance(first, AttributeItems) or not isinstance(second, AttributeItems):
        return first, second
    both = first.thresholds.keys() & second.thresholds.keys()
    shared = [
        replace(items, thresholds={name: t for name, t in items.thresholds.items() if name in both})
        for items in (first, second)
    ]
    return shared[0], shared[1]
