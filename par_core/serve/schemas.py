"""The JSON of the API as types: OpenAPI documents them, and every response is checked against them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ApiModel",
    "AuditResponse",
    "ChanceJson",
    "CommitJson",
    "ErrorJson",
    "ErrorResponse",
    "EventJson",
    "HitJson",
    "NoteJson",
    "OutlineResponse",
    "PartJson",
    "PersonResponse",
    "SearchResponse",
    "StatusResponse",
    "TagJson",
    "VersionsJson",
]

Box = tuple[float, float, float, float]


class ApiModel(BaseModel):
    """A value of the API: immutable, without further keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ErrorJson(ApiModel):
    """The reason why a request failed."""

    status: int = Field(description="HTTP status.", examples=[400])
    kind: str = Field(description="One word for programs.", examples=["bad_query"])
    message: str = Field(description="For people. A line with ^ points to a place in the line before.")


class ErrorResponse(ApiModel):
    """Every error has this form."""

    error: ErrorJson


class PartJson(ApiModel):
    """The fit of one person to one part of a query."""

    text: str = Field(
        description="The part as the user wrote it; with a remark where the picture does not show it."
    )
    wanted: bool = Field(description="False where the query negates the part.")
    probability: float = Field(description="Probability that the part is true of the person, in [0, 1].")
    fit: float = Field(
        description="Probability of what was asked, in [0, 1]: of the negation where the part is negated."
    )
    weight: float = Field(description="Weight of the part in the query.")
    lost: float = Field(
        description="Factor by which the part lowered the person's score, in [0, 1]; 0 where it fits fully."
    )
    detail_of: str | None = Field(
        default=None,
        description="Text of the part that this one explains; null if it stands in the query itself.",
    )


class HitJson(ApiModel):
    """One person of an answer."""

    rank: int = Field(description="1 is best.")
    person_id: str
    image_id: str
    uri: str = Field(description="Place of the image, now or before it vanished.")
    source_state: str = Field(description="present, replaced or vanished.")
    box: Box = Field(description="x1, y1, x2, y2 in pixels of the upright image.")
    cosine: float | None = Field(
        description="Cosine with the query, in [-1, 1]; null if there was only a filter."
    )
    probability: float | None = Field(
        description="Probability of the query, in [0, 1]; null unless the query was a text."
    )
    attributes: dict[str, float] = Field(description="Probability of each attribute by name.")
    seen: list[str] = Field(
        description="The attributes whose probability reaches their threshold, most likely first."
    )
    upper_color: str | None
    lower_color: str | None
    captured_at: datetime | None = Field(description="Time on the camera's clock.")
    height_px: float = Field(description="Height of the box in pixels.")
    score: float = Field(description="Score of the segmenter.")
    cutout: float | None = Field(
        description="How good the cut-out is, in [0, 1]; null if an earlier version wrote the index."
    )
    parts: list[PartJson] = Field(
        description="How well each part of the query fits; empty where there was only a filter."
    )
    similar: list["HitJson"] = Field(
        description="Further hits of the same image or of nearly the same picture, best first."
    )
    near: bool = Field(
        description="Whether the person wears a colour next to the one asked for, and follows those who wear"
        " that one; such people are not in the counts of /api/facets.",
        default=False,
    )


class ChanceJson(ApiModel):
    """The share of an answer that chance alone would give."""

    cutoff: float = Field(description="Probability below which hits were left out.")
    share: float = Field(description="The expected share of chance hits among those of this page, in [0, 1].")
    left_out: int = Field(description="Number of judged people who fell below the cutoff.")


class VersionsJson(ApiModel):
    """Versions of the index."""

    searched: int
    newest: int


class TagJson(ApiModel):
    """A tag of a person."""

    name: str
    by: str = Field(description="Name of the token of the caller, or of the user, who added it.")
    at: datetime


class NoteJson(ApiModel):
    """The note on a person."""

    text: str
    by: str = Field(description="Who wrote it last.")
    at: datetime


class SearchResponse(ApiModel):
    """A page of an answer."""

    question: str = Field(description="The question in words for people.")
    results: list[HitJson] = Field(description="Best first.")
    warnings: list[str] = Field(description="Notes for the user.")
    searched: int = Field(description="Number of people in the index.")
    chance: ChanceJson | None = Field(description="null where it is not known.")
    order: str = Field(
        description="The order of the hits, in words: best first, surest and clearest first, ..."
    )
    why: list[str] = Field(
        description="Of an empty answer: which part of the question emptied it, and what finds somebody."
    )
    total: int | None = Field(
        description="Number of people in the whole list; null where it was not counted.", default=None
    )
    offset: int = Field(description="Number of hits before this page.")
    next: int | None = Field(
        description="The offset of the next page; null on the last one, and in the order of capture."
    )
    end: str = Field(
        description="Of the last page: why the list ends before all people do, and how to see others; else"
        " empty.",
        default="",
    )
    next_after: str | None = Field(
        description="Of lists in the order of capture, and of lists by fields and filters alone: `after` of"
        " the next page; null on the last one.",
        default=None,
    )
    versions: VersionsJson
    tags: dict[str, list[str]] = Field(
        description="Tags of the people of this page who have some, or a note, by id.", default={}
    )


class SuggestResponse(ApiModel):
    """How a question may go on, and notes on its words."""

    completions: list[str] = Field(description="Whole questions, at most eight.")
    notes: list[str] = Field(description="Words that are read as wider ones, in words for people.")


class PersonResponse(ApiModel):
    """Everything that is known of one person."""

    person: HitJson = Field(
        description="The person as a hit; rank and scores are those of the last search that returned it."
    )
    uris: list[str] = Field(description="All places of the image.")
    image_width: int
    image_height: int
    upper_color_share: float | None
    lower_color_share: float | None
    others: list[str] = Field(description="Ids of the other people in the image, from left to right.")
    versions: VersionsJson
    profile: str
    embedding: str = Field(description="Fingerprint of the joint image and text model.")
    segment_config: str
    describe_config: str
    tags: list[TagJson] = Field(description="By name.", default=[])
    note: NoteJson | None = None


class OutlineResponse(ApiModel):
    """Outline of a person in the image."""

    width: int = Field(description="Width of the upright image in pixels.")
    height: int = Field(description="Height of the upright image in pixels.")
    box: Box
    polygons: list[list[tuple[int, int]]] = Field(
        description="Closed lines of (x, y) in pixels of the image, the largest first."
    )


class CommitJson(ApiModel):
    """One commit of a run to the index."""

    number: int
    written_at: datetime
    version: int
    rows: int
    upserted: int
    deleted: int


class VectorIndexJson(ApiModel):
    """The index of the vectors."""

    kind: str
    partitions: int | None
    rows: int = Field(description="Number of rows that it covers.")
    rows_not_yet: int = Field(description="Number of later rows, which are compared one by one.")


class ProgressJson(ApiModel):
    """How far an index run is."""

    started_at: float = Field(description="Seconds since 1970 (UTC).")
    planned_shards: int
    planned_images: int
    done_shards: int
    done_images: int
    failed_shards: int
    failed_images: int
    rate: float = Field(description="Images finished a second, over the run so far.")


class StatusResponse(ApiModel):
    """State of the store and of the server."""

    par_version: str
    models: str = Field(description="The models for questions.")
    running: bool = Field(description="Whether a command is writing to the store at this moment.")
    progress: ProgressJson | None = Field(description="null where no run works on pictures at this moment.")
    people: int = Field(description="Number of people in the newest version of the index.")
    newest_version: int | None
    live_version: int | None = Field(description="The version that searches read; null without an index.")
    unindexed_rows: int
    vector_index: VectorIndexJson | None = Field(description="null where a search compares every vector.")
    files: dict[str, int] = Field(description="Counts of listed files by what became of them.")
    failures: dict[str, int] = Field(description="Failed files by status.")
    found_people: dict[str, int] = Field(
        description="Counts of people who were found, by what became of them."
    )
    person_failures: dict[str, int] = Field(description="People who could not be described, by status.")
    unreadable_times: int = Field(description="Different images with a time of capture that cannot be read.")
    skipped: dict[str, int] = Field(description="Files passed over when listing, by reason.")
    profile: str | None
    embedding: str | None
    gate_passed: bool | None = Field(
        description="Whether the last quality gate passed; null before the first."
    )
    runs: list[CommitJson] = Field(description="The last ten, newest first.")


class EventJson(ApiModel):
    """One line of the audit log."""

    at: str = Field(
        description="ISO time (UTC); empty where the line is damaged.",
        examples=["2026-11-01T18:30:00.000000+00:00"],
    )
    who: str = Field(description="Name of the token, or of the user of the operating system.")
    how: str = Field(description="One of cli, python, flow, api, page.")
    source: str = Field(description="Address of the caller, or name of the host.")
    action: str = Field(
        description=(
            "Such as search, person, image, review, export, forget; damaged where the line cannot be read."
        )
    )
    what: str = Field(description="The question, or the object of the action.")
    count: int | None = Field(description="Number of results; null where there was no answer.")
    status: str = Field(description="ok, refused, or the name of the error.")


class AuditResponse(ApiModel):
    """A page of the audit log."""

    events: list[EventJson] = Field(description="Newest first.")
    next: str | None = Field(description="`before` of the next page; null on the last one.")
