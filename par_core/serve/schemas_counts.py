"""Types of the API: counts, timelines and groups of the people of an answer."""

from datetime import datetime

from pydantic import Field

from par_core.serve.schemas import ApiModel

__all__ = ["BarJson", "FacetsResponse", "GroupJson", "GroupsResponse", "TimelineJson"]


class BarJson(ApiModel):
    """One step of a timeline."""

    on: str = Field(description="The step, as the field `on:` takes it.", examples=["2026-11-24T18"])
    people: int


class TimelineJson(ApiModel):
    """Counts by steps of time."""

    step: str = Field(description="year, month, day or hour.")
    bars: list[BarJson] = Field(
        description="Every step from the first to the last with people; of years the last 40."
    )
    unknown: int = Field(description="Number of people whose time of capture is not known.")


class FacetsResponse(ApiModel):
    """Counts over the people of an answer."""

    people: int
    upper_color: dict[str, int]
    lower_color: dict[str, int]
    attributes: dict[str, int] = Field(
        description="People whose probability reaches the attribute's threshold."
    )
    folders: dict[str, int] = Field(
        description="Counts by folder or archive file, with a / at its end; the 100 largest."
    )
    days: dict[str, int] = Field(description="Counts by day of capture.")
    tags: dict[str, int] = Field(description="Counts by tag of reviewers.", default={})
    timeline: TimelineJson = TimelineJson(step="day", bars=[], unknown=0)
    best: int | None = Field(
        description="Number of hits that were counted where there may be more; null if all are counted.",
        default=None,
    )


class GroupJson(ApiModel):
    """One camera or day."""

    name: str = Field(
        description="The folder with a / at its end, or the day; empty if the time is not known."
    )
    people: int
    newest: datetime | None = Field(description="When the newest of them was photographed.")
    person_id: str = Field(description="The newest of them.")


class GroupsResponse(ApiModel):
    """Cameras or days of an answer."""

    by: str
    groups: list[GroupJson] = Field(
        description="Cameras by name, days newest first and those of unknown time last."
    )
    people: int = Field(description="Number of people in all groups.")
    best: int | None = Field(
        description="Number of hits that were counted where there may be more; null if all are counted."
    )
