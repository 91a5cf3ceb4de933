"""The JSON of the API, as types: what OpenAPI documents and what every response is checked against."""

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
    "FacetsResponse",
    "HitJson",
    "OutlineResponse",
    "PartJson",
    "PersonResponse",
    "PictureResponse",
    "SearchResponse",
    "StatusResponse",
    "VersionsJson",
]

Box = tuple[float, float, float, float]


class ApiModel(BaseModel):
    """A value of the API: immutable, with no keys but those named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ErrorJson(ApiModel):
    """Why there is no answer."""

    status: int = Field(description="Of HTTP.", examples=[400])
    kind: str = Field(description="One word for programs.", examples=["bad_query"])
    message: str = Field(description="For people. A line with ^ points to a place in the line before.")


class ErrorResponse(ApiModel):
    """Every error has this form."""

    error: ErrorJson


class PartJson(ApiModel):
    """How well one person fits one part of a query."""

    text: str = Field(description="The part, as asked.")
    wanted: bool = Field(description="False where it was asked not to be.")
    probability: float = Field(description="That the part is true of the person, in [0, 1].")
    weight: float = Field(description="Given to the part in the query.")
    lost: float = Field(
        description="By which factor the part lowered the person's score, in [0, 1]; 0 where it fits fully."
    )
    detail_of: str | None = Field(
        default=None, description="The text of the part that this one explains; null if it was asked itself."
    )


class HitJson(ApiModel):
    """One person that was found."""

    rank: int = Field(description="1 is best.")
    person_id: str
    image_id: str
    uri: str = Field(description="Where the image is, or was.")
    source_state: str = Field(description="present, replaced or vanished.")
    box: Box = Field(description="x1, y1, x2, y2 in pixels of the upright image.")
    cosine: float | None = Field(description="With the query, in [-1, 1]; null if there was only a filter.")
    probability: float | None = Field(description="In [0, 1]; null unless the query was a text.")
    attributes: dict[str, float] = Field(description="Probability by name.")
    seen: list[str] = Field(
        description="The attributes whose probability reaches their threshold, most likely first."
    )
    upper_color: str | None
    lower_color: str | None
    captured_at: datetime | None = Field(description="On the camera's clock.")
    height_px: float = Field(description="Of the box.")
    score: float = Field(description="Of the segmenter.")
    parts: list[PartJson] = Field(
        description="How well each part of the query fits; empty where there was only a filter."
    )
    similar: list["HitJson"] = Field(
        description="Further hits of the same image or of nearly the same picture, best first."
    )


class ChanceJson(ApiModel):
    """How much of an answer chance alone would give."""

    cutoff: float = Field(description="Hits of a lower probability were left out.")
    share: float = Field(description="The expected share of chance hits among those of this page, in [0, 1].")
    left_out: int = Field(description="How many of the people looked at fell below the cutoff.")


class VersionsJson(ApiModel):
    """Versions of the index."""

    searched: int
    newest: int


class SearchResponse(ApiModel):
    """A page of an answer."""

    question: str = Field(description="As asked.")
    results: list[HitJson] = Field(description="Best first.")
    warnings: list[str] = Field(description="What the asker should know.")
    searched: int = Field(description="People in the index.")
    chance: ChanceJson | None = Field(description="null where it is not known.")
    offset: int = Field(description="How many hits come before this page.")
    next: int | None = Field(description="The offset of the next page; null on the last one.")
    versions: VersionsJson


class PersonResponse(ApiModel):
    """Everything that is known of one person."""

    person: HitJson = Field(description="As a search gives it; its rank means nothing.")
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


class OutlineResponse(ApiModel):
    """Where a person is in the image."""

    width: int = Field(description="Of the upright image, pixels.")
    height: int = Field(description="Of the upright image, pixels.")
    box: Box
    polygons: list[list[tuple[int, int]]] = Field(
        description="Closed lines of (x, y) in pixels of the image, the largest first."
    )


class FacetsResponse(ApiModel):
    """Counts over the people of whom a filter holds and whose file is there."""

    people: int
    upper_color: dict[str, int]
    lower_color: dict[str, int]
    attributes: dict[str, int] = Field(
        description="People whose probability reaches the attribute's threshold."
    )
    folders: dict[str, int] = Field(description="By folder or archive file; the 100 largest.")
    days: dict[str, int] = Field(description="By day of capture.")


class PictureResponse(ApiModel):
    """The largest person of an uploaded picture. Only the embedding is kept, in memory."""

    name: str = Field(description="Ask with picture:NAME.")
    box: Box = Field(description="Of the person, in pixels of the upright picture.")
    people: int = Field(description="How many were found in it.")


class CommitJson(ApiModel):
    """What one run put into the index."""

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
    rows: int = Field(description="That it covers.")
    rows_not_yet: int = Field(description="That came later: compared one by one.")


class StatusResponse(ApiModel):
    """What the store holds, and who answers from it."""

    par_version: str
    models: str = Field(description="With which questions are asked.")
    running: bool = Field(description="Whether a command is writing to the store at this moment.")
    people: int = Field(description="In the newest version of the index.")
    newest_version: int | None
    live_version: int | None = Field(
        description="null where no version has passed a gate: searches read the newest."
    )
    unindexed_rows: int
    vector_index: VectorIndexJson | None = Field(description="null where a search compares every vector.")
    files: dict[str, int] = Field(description="What became of every listed file.")
    failures: dict[str, int] = Field(description="Failed files by status.")
    skipped: dict[str, int] = Field(description="Files passed over when listing, by reason.")
    profile: str | None
    embedding: str | None
    gate_passed: bool | None = Field(description="The last gate; null before the first.")
    runs: list[CommitJson] = Field(description="The last ten, newest first.")


class EventJson(ApiModel):
    """One line of the audit log."""

    at: str = Field(
        description="ISO time (UTC); empty where the line is damaged.",
        examples=["2026-11-01T18:30:00.000000+00:00"],
    )
    who: str = Field(description="Name of the token, or of the user of the operating system.")
    how: str = Field(description="Through what: cli, python, flow, api, page.")
    source: str = Field(description="Address of the caller, or name of the host.")
    action: str = Field(
        description=(
            "Such as search, person, image, review, export, forget; damaged where the line cannot be read."
        )
    )
    what: str = Field(description="The question, as asked.")
    count: int | None = Field(description="Of what was given; null where nothing was.")
    status: str = Field(description="ok, refused, or the name of the error.")


class AuditResponse(ApiModel):
    """Who asked what."""

    events: list[EventJson] = Field(description="Newest first.")
    next: str | None = Field(description="`before` of the next page; null on the last one.")
