"""Answers of the service in the types of the API, for the API and for programs in this process."""

from dataclasses import asdict
from typing import Any

from par_core.alerts.record import SavedSearch
from par_core.serve.answers import PersonDetails, SearchPage
from par_core.serve.schemas import PersonResponse
from par_core.serve.schemas_searches import SavedSearchJson

__all__ = ["person_content", "saved_search_content", "search_content"]


def search_content(page: SearchPage) -> dict[str, Any]:
    """Return a page of an answer as JSON types, in the form of ``SearchResponse``."""
    return page.result.as_json() | {
        "offset": page.offset,
        "next": page.next,
        "versions": page.versions.as_json(),
    }


def person_content(details: PersonDetails) -> PersonResponse:
    """Return everything that is known of one person."""
    hit, info = details.hit, details.info
    return PersonResponse.model_validate(
        {
            "person": hit.as_json(),
            "uris": hit.uris,
            "image_width": hit.image_width,
            "image_height": hit.image_height,
            "upper_color_share": hit.upper_color_share,
            "lower_color_share": hit.lower_color_share,
            "others": details.others,
            "versions": details.versions.as_json(),
            "profile": info.profile,
            "embedding": info.embedding,
            "segment_config": info.segment_config,
            "describe_config": info.describe_config,
        }
    )


def saved_search_content(search: SavedSearch) -> SavedSearchJson:
    """Return a saved search without its targets, which are shown to nobody."""
    shown = ("name", "where", "weak", "by", "created_at", "last_run", "found", "trouble")
    values = {name: getattr(search, name) for name in shown}
    news = [asdict(one) for one in search.news]
    return SavedSearchJson.model_validate(values | {"q": search.text, "news": news})
