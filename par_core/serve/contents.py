"""Answers of the service in the types of the API, for the API and for programs in this process."""

from dataclasses import asdict
from typing import Any

from par_core.alerts.record import SavedSearch
from par_core.query.compare import NOBODY_IDENTIFIED, Comparison
from par_core.serve.answers import PersonDetails, SearchPage, UploadedPicture
from par_core.serve.schemas import PersonResponse
from par_core.serve.schemas_pictures import PictureResponse
from par_core.serve.schemas_searches import SavedSearchJson
from par_core.serve.schemas_tags import ComparisonResponse, TaggedPersonJson
from par_core.tags.record import TaggedPerson

__all__ = [
    "comparison_content",
    "person_content",
    "picture_content",
    "saved_search_content",
    "search_content",
    "tagged_content",
]


def search_content(page: SearchPage) -> dict[str, Any]:
    """Return a page of an answer as JSON types, in the form of ``SearchResponse``."""
    return page.result.as_json() | {
        "offset": page.offset,
        "next": page.next,
        "end": page.end,
        "versions": page.versions.as_json(),
    }


def person_content(details: PersonDetails, tagged: TaggedPerson | None) -> PersonResponse:
    """Return everything that is known of one person, with tags and note."""
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
            **_tags(tagged),
        }
    )


def picture_content(uploaded: UploadedPicture) -> PictureResponse:
    """Return the people of an uploaded picture."""
    found = [
        {
            "name": one.name,
            "box": one.person.box,
            "score": one.person.score,
            "polygons": one.outline.polygons,
        }
        for one in uploaded.people
    ]
    return PictureResponse.model_validate(
        {
            "name": uploaded.name,
            "box": found[0]["box"],
            "people": len(found),
            "width": uploaded.width,
            "height": uploaded.height,
            "found": found,
        }
    )


def tagged_content(person_id: str, person: TaggedPerson | None) -> TaggedPersonJson:
    """Return tags and note of a person, who may have none."""
    return TaggedPersonJson.model_validate({"person_id": person_id} | _tags(person))


def comparison_content(found: Comparison) -> ComparisonResponse:
    """Return a comparison of two people."""
    pairs = [asdict(pair) | {"difference": pair.difference} for pair in found.attributes]
    return ComparisonResponse.model_validate(
        {
            "first": found.first.person_id,
            "second": found.second.person_id,
            "cosine": found.cosine,
            "as_alike": found.as_alike,
            "sampled": found.sampled,
            "seconds_apart": None if found.apart is None else found.apart.total_seconds(),
            "same_image": found.same_image,
            "attributes": pairs,
            "meaning": NOBODY_IDENTIFIED,
        }
    )


def _tags(person: TaggedPerson | None) -> dict[str, Any]:
    if person is None:
        return {"tags": [], "note": None}
    return {
        "tags": [asdict(tag) for tag in person.tags],
        "note": None if person.note is None else asdict(person.note),
    }


def saved_search_content(search: SavedSearch) -> SavedSearchJson:
    """Return a saved search without its targets, which are shown to nobody."""
    shown = ("name", "where", "weak", "by", "created_at", "last_run", "found", "trouble")
    values = {name: getattr(search, name) for name in shown}
    news = [asdict(one) for one in search.news]
    return SavedSearchJson.model_validate(values | {"q": search.text, "news": news})
