"""The timeline of an answer as the page draws it: a bar for each step of time, which leads into it."""

from dataclasses import dataclass
from typing import Final

from par_core.serve.facets import Facets
from par_core.serve.page_query import PageQuery, narrowed

__all__ = ["TimelineView", "timeline_view"]

_BAR_PX: Final = 48
_STEP_PX: Final = 24  # wide enough to be hit with a finger


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The timeline of an answer as it is drawn.

    Attributes:
        step: year, month, day or hour.
        width: Width of the drawing in pixels.
        height: Height in pixels.
        step_px: Width of a step in pixels.
        bars: Of each step with people: label, x and height in pixels, address of the answer within it.
        first: The first step; empty without bars.
        last: The last step; empty without bars.
        unknown: Number of people whose time of capture is not known.
        whole_url: Address of the answer at all times, or empty where no time is asked for.
    """

    step: str
    width: int
    height: int
    step_px: int
    bars: tuple[tuple[str, int, int, str], ...]
    first: str
    last: str
    unknown: int
    whole_url: str


def timeline_view(query: PageQuery, facets: Facets) -> TimelineView:
    """Return the timeline of an answer.

    Args:
        query: The query.
        facets: Counts of its answer.
    """
    timeline, all_times = facets.timeline, query.at_all_times()
    most = max((bar.people for bar in timeline.bars), default=1)
    bars = [
        (
            f"{_spoken(bar.on)}: {bar.people:,} {'person' if bar.people == 1 else 'people'}",
            _STEP_PX * number,
            max(2, round(_BAR_PX * bar.people / most)),
            query.with_text(narrowed(all_times.q, f"on:{bar.on}")).url(),
        )
        for number, bar in enumerate(timeline.bars)
        if bar.people
    ]
    ends = [_spoken(timeline.bars[place].on) for place in (0, -1)] if timeline.bars else ["", ""]
    return TimelineView(
        timeline.step,
        _STEP_PX * len(timeline.bars),
        _BAR_PX,
        _STEP_PX,
        tuple(bars),
        ends[0],
        ends[1],
        timeline.unknown,
        all_times.url() if all_times != query else "",
    )


def _spoken(step: str) -> str:
    """Return a step for people: an hour with a colon."""
    return f"{step[:10]} {step[11:]}:00" if len(step) > len("2026-11-24") else step
