"""Types of the API: saved searches."""

from datetime import datetime

from pydantic import Field

from par_core.serve.schemas import ApiModel

__all__ = ["NewsJson", "SaveSearchRequest", "SavedSearchJson", "SavedSearchesResponse"]


class NewsJson(ApiModel):
    """The people whom one run of a saved search found first."""

    number: int = Field(description="Running number, from 1.")
    at: datetime
    index_version: int
    people: list[str] = Field(description="Their ids.")
    delivered: bool = Field(description="False while the target has not taken them.")


class SavedSearchJson(ApiModel):
    """A saved search. Its targets are set by commands, and shown to nobody."""

    name: str
    q: str | None
    where: str | None
    weak: bool
    by: str = Field(description="Name of the token of the caller, or of the user, who saved it.")
    created_at: datetime
    last_run: datetime | None
    found: int = Field(description="Number of people whom the last run found.")
    trouble: str = Field(description="Why the last run failed or could not tell its news; else empty.")
    news: list[NewsJson] = Field(description="Oldest first; the last hundred.")


class SavedSearchesResponse(ApiModel):
    """The saved searches of the store, by name."""

    searches: list[SavedSearchJson]


class SaveSearchRequest(ApiModel):
    """A search to save: a question, a filter, or both."""

    name: str = Field(
        default="",
        max_length=64,
        description="Lower-case letters, digits and hyphens; empty: made from the question.",
        examples=["red-coats"],
    )
    q: str = Field(default="", max_length=1000, examples=["upper:red"])
    where: str = Field(default="", max_length=2000)
    weak: bool = False
