"""Types of the API: tags, notes, comparisons, erasures."""

from typing import Final, Literal

from pydantic import Field

from par_core.serve.schemas import ApiModel, NoteJson, TagJson

__all__ = [
    "ChangeTagsRequest",
    "ComparisonResponse",
    "ForgetRequest",
    "ForgettingResponse",
    "TaggedPeopleResponse",
    "TaggedPersonJson",
    "TagsResponse",
]

_MOST: Final = 1_000


class TaggedPersonJson(ApiModel):
    """Tags and note of a person."""

    person_id: str
    tags: list[TagJson] = Field(description="By name.")
    note: NoteJson | None


class TagsResponse(ApiModel):
    """The tags of the store."""

    tags: dict[str, int] = Field(description="Number of people of each tag, by name.")
    people: int = Field(description="Number of people with tags or a note.")
    not_indexed: int = Field(description="Number of people with tags or a note who are not in this version.")


class TaggedPeopleResponse(ApiModel):
    """Tags and notes of some people."""

    people: list[TaggedPersonJson]


class ChangeTagsRequest(ApiModel):
    """What is to be changed of some people."""

    people: list[str] = Field(min_length=1, max_length=_MOST, description="Ids of the people.")
    add: list[str] = Field(default=[], max_length=20, description="Tags to add.", examples=[["check"]])
    remove: list[str] = Field(default=[], max_length=1_000, description="Tags to remove.")
    note: str | None = Field(default=None, description="The note to write; empty removes it.")


class AttributePairJson(ApiModel):
    """One attribute of both people."""

    name: str
    first: float = Field(description="Probability for the first person, in [0, 1].")
    second: float
    difference: float = Field(description="Second less first, in [-1, 1].")
    seen: tuple[bool, bool] = Field(description="Whether it counts as seen of each.")


class ComparisonResponse(ApiModel):
    """Two people beside each other."""

    first: str = Field(description="Id of the first person.")
    second: str
    cosine: float = Field(description="Cosine of the embeddings, in [-1, 1].")
    as_alike: float = Field(
        description="Share of people drawn at random who are at least as alike to the first one, in [0, 1]."
    )
    sampled: int = Field(description="Number of people drawn.")
    seconds_apart: float | None = Field(description="Time of the second less that of the first.")
    same_image: bool
    attributes: list[AttributePairJson] = Field(description="Those that differ most first.")
    meaning: str = Field(description="What the comparison does not say.")


class ForgetRequest(ApiModel):
    """People to erase for good."""

    people: list[str] = Field(min_length=1, max_length=_MOST, description="Ids of the people.")
    number: int = Field(description="How many they are: the caller confirms it.")


class ForgettingResponse(ApiModel):
    """An erasure, under way or ended."""

    name: str
    state: Literal["running", "done", "failed"]
    people: int = Field(description="Number of people to erase.")
    step: str = Field(description="What it does now.")
    certificate: str = Field(description="Name of the erasure certificate, without its ending; empty before.")
    left: int = Field(description="Number of files that still hold something; 0 where nothing is left.")
    message: str = Field(description="Why it failed; else empty.")
