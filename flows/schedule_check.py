"""Schedules of Prefect that do not do what they seem to: hours that a change of summer time leaves out or
repeats, zones that are not stated, intervals that move.

What Prefect does is asked of Prefect's own code, and not repeated here.
"""

import asyncio
import bisect
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["Change", "changes_of", "next_runs", "schedule_problems"]

_AHEAD: Final = timedelta(days=400)  # a year and more, so that both changes are seen
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_AROUND: Final = timedelta(hours=36)
_LOOK: Final = timedelta(hours=6)  # Prefect books runs again and again, each time from another moment


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the offset of a zone.

    Attributes:
        at: The moment of the change, UTC.
        first: First local time, without zone, that does not exist or exists twice.
        end: First local time after these.
        missing: Whether they do not exist; else they exist twice.
    """

    at: datetime
    first: datetime
    end: datetime
    missing: bool


def changes_of(zone: tzinfo, since: datetime, until: datetime) -> Iterator[Change]:
    """Yield the changes of a zone between two moments (UTC), at most one a day."""
    day = since.replace(minute=0, second=0, microsecond=0)
    while day < until:
        before, after = _offset(zone, day), _offset(zone, day + _DAY)
        if after != before:
            minutes = range(1, _DAY // _MINUTE + 1)
            first = bisect.bisect_left(minutes, 1, key=lambda n: _offset(zone, day + n * _MINUTE) == after)
            at = day + minutes[first] * _MINUTE
            local = at.replace(tzinfo=None)
            yield Change(at, local + min(before, after), local + max(before, after), missing=after > before)
        day += _DAY


def schedule_problems(schedule: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """Yield what is wrong with one schedule of a deployment, in one line each.

    Args:
        schedule: As in prefect.yaml: ``cron``, ``interval`` or ``rrule``, ``timezone``, ``anchor_date``, ...
        now: The moment from which the next 400 days are looked at, UTC.
    """
    name = schedule.get("timezone")
    if name is None:
        yield "states no timezone, so Prefect takes UTC; write it down: timezone: Etc/UTC, or your own zone"
    try:
        zone = ZoneInfo(str(name or "Etc/UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        yield f"there is no timezone {name!r}; names are such as Europe/Vienna or Etc/UTC"
        return
    try:
        made = _schedule(schedule, str(zone))
    except ValueError as error:
        yield f"Prefect refuses the schedule: {' '.join(str(error).split())}"
        return
    changes = list(changes_of(zone, now, now + _AHEAD))
    if "cron" in schedule:
        yield from _cron_problems(schedule, zone, changes)
    elif "interval" in schedule:
        yield from _interval_problems(schedule, made, zone, changes)


def next_runs(schedule: Mapping[str, Any], now: datetime, n: int) -> list[datetime]:
    """Return the next runs of a schedule that Prefect accepts, in its zone.

    Raises:
        ValueError: It has no zone that exists, or Prefect refuses it.
    """
    zone = ZoneInfo(str(schedule.get("timezone") or "Etc/UTC"))
    made = _schedule(schedule, str(zone))
    return [moment.astimezone(zone) for moment in asyncio.run(made.get_dates(n, start=now))]


def _cron_problems(schedule: Mapping[str, Any], zone: ZoneInfo, changes: list[Change]) -> Iterator[str]:
    cron = str(schedule["cron"])
    if cron.split()[1:2] == ["*"]:
        return  # runs in every hour miss one, or get one more, and do not care
    written = _schedule({**schedule, "timezone": "Etc/UTC"}, "Etc/UTC")
    for change in changes:
        hit = _between(written, change.first.replace(tzinfo=UTC), change.end.replace(tzinfo=UTC))
        if not hit:
            continue
        day = change.first.replace(hour=0, minute=0)
        made = _schedule(schedule, str(zone))
        start = day.replace(tzinfo=zone).astimezone(UTC)
        runs = [moment.astimezone(zone) for moment in _between(made, start, start + _DAY)]
        times = ", ".join(f"{moment:%H:%M %Z}" for moment in runs) or "at no time"
        yield (
            f'cron "{cron}": {hit[0]:%H:%M} {"does not exist" if change.missing else "exists twice"} on'
            f" {day:%Y-%m-%d} in {zone} (Prefect starts it then: {times}); take an hour from 04 to 20"
        )


def _interval_problems(
    schedule: Mapping[str, Any], made: Any, zone: ZoneInfo, changes: list[Change]
) -> Iterator[str]:
    interval: timedelta = made.interval
    if schedule.get("anchor_date") is None:
        yield "an interval without anchor_date counts from the deployment, and moves with each; take cron"
    if interval >= timedelta(hours=1) and _DAY % interval and interval % _DAY:
        yield f"an interval of {interval} starts at other hours each day; take cron"
    for change in changes:
        if interval < timedelta(hours=1):
            return
        runs: set[datetime] = set()
        for step in range(2 * _AROUND // _LOOK):
            start = change.at - _AROUND + step * _LOOK
            runs.update(_between(made, start, change.at + 2 * _AROUND))
        ordered = sorted(runs)
        near = [(one, other) for one, other in itertools.pairwise(ordered) if other - one <= interval / 2]
        if near:
            one, other = (moment.astimezone(zone) for moment in near[0])
            yield (
                f"an interval of {interval} starts twice on {one:%Y-%m-%d} in {zone}, after a change:"
                f" {one:%H:%M %Z}, {other:%H:%M %Z}, booked before and after the change; take cron"
            )


def _between(made: Any, start: datetime, end: datetime) -> list[datetime]:
    """The runs from a moment on, before another."""
    found = asyncio.run(made.get_dates(500, start=start, end=end - timedelta(seconds=1)))
    return [moment.astimezone(UTC) for moment in found if start <= moment < end]


def _schedule(schedule: Mapping[str, Any], zone: str) -> Any:
    """The schedule as Prefect's server has it."""
    from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

    kinds = [kind for kind in ("cron", "interval", "rrule") if schedule.get(kind) is not None]
    if len(kinds) != 1:
        raise ValueError("give one of cron, interval and rrule")
    if kinds == ["cron"]:
        return CronSchedule(cron=schedule["cron"], timezone=zone, day_or=schedule.get("day_or", True))
    if kinds == ["rrule"]:
        return RRuleSchedule(rrule=schedule["rrule"], timezone=zone)
    anchor = schedule.get("anchor_date")
    values: dict[str, Any] = {"interval": schedule["interval"], "timezone": zone}
    return IntervalSchedule(**values, **({} if anchor is None else {"anchor_date": anchor}))


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
