"""When the people of an answer were photographed: counts by years, months, days or hours, whatever is finest
and still few enough to be looked at.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

__all__ = ["Bar", "Step", "Timeline", "timeline_of"]

Step = Literal["year", "month", "day", "hour"]
_MOST_BARS: Final = 40
_LENGTHS: Final[dict[Step, int]] = {"hour": 13, "day": 10, "month": 7, "year": 4}  # of the text of a step


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of time.

    Attributes:
        on: The step as the field ``on:`` takes it: ``2026``, ``2026-11``, ``2026-11-24``, ``2026-11-24T18``.
        people: Number of people.
    """

    on: str
    people: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Counts by steps of time.

    Attributes:
        step: Length of a step.
        bars: Every step from the first to the last with people, in order, also those with nobody; of steps of
            a year the last 48.
        unknown: Number of people whose time of capture is not known.
    """

    step: Step
    bars: tuple[Bar, ...]
    unknown: int


def timeline_of(hours: Mapping[str, int], people: int) -> Timeline:
    """Return the timeline of people.

    Args:
        hours: Number of people of each hour, ``2026-11-24T18``, in order.
        people: Number of people, with those whose time is not known.
    """
    unknown = people - sum(hours.values())
    if not hours:
        return Timeline("day", (), unknown)
    first, last = (datetime.fromisoformat(f"{hour}:00") for hour in (min(hours), max(hours)))
    for step, length in _LENGTHS.items():
        steps = _steps(step, first, last)
        if len(steps) <= _MOST_BARS or step == "year":
            counted = Counter[str]()
            for hour, count in hours.items():
                counted[hour[:length]] += count
            return Timeline(step, tuple(Bar(on, counted[on]) for on in steps[-_MOST_BARS:]), unknown)
    raise AssertionError("a year is the longest step")


def _steps(step: Step, first: datetime, last: datetime) -> list[str]:
    """Return the steps from the first moment to the last; more than are drawn are cut short."""
    following: dict[Step, Callable[[datetime], datetime]] = {
        "hour": lambda at: at + timedelta(hours=1),
        "day": lambda at: at + timedelta(days=1),
        "month": lambda at: at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1, day=1),
        "year": lambda at: at.replace(year=at.year + 1, month=1, day=1),
    }
    steps, at, length = list[str](), first, _LENGTHS[step]
    end = last.isoformat()[:length]
    while at.isoformat()[:length] <= end and (step == "year" or len(steps) <= _MOST_BARS):
        steps.append(at.isoformat()[:length])
        if at.year == datetime.max.year and at.month == 12:
            break
        at = following[step](at)
    return steps
