"""What the page does with chosen people: tags, a comparison, an export, a review of people like them, and
forgetting. Also the tags of one person, and the list of all tags.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Header, Query, Request
from fastapi.responses import RedirectResponse, Response

from par_core.query.compare import NOBODY_IDENTIFIED
from par_core.serve import session_tags
from par_core.serve.page_look import page
from par_core.serve.page_query import PageQuery, set_field
from par_core.serve.page_review import reviews_of
from par_core.serve.problems import BadParameterError
from par_core.serve.reviews import Reviews
from par_core.serve.selected_export import FORMS, SelectedForm, export_selected
from par_core.serve.user_session import UserSession, session_for
from par_core.tags.change import MOST_AT_ONCE, TagChange

__all__ = ["TagLink", "router"]

_REFRESH_S: Final = "2"
_IDS_LENGTH: Final = 70 * MOST_AT_ONCE  # characters

router = APIRouter(include_in_schema=False)

Searching = Annotated[UserSession, Depends(session_for("search"))]
Reviewer = Annotated[UserSession, Depends(session_for("reviewer"))]
Admin = Annotated[UserSession, Depends(session_for("admin"))]
Open = Annotated[Reviews, Depends(reviews_of)]
Part = Annotated[str | None, Header(alias="Par-Part", max_length=16)]


async def chosen_people(
    person: Annotated[list[str] | None, Form(max_length=MOST_AT_ONCE)] = None,
    people: Annotated[str, Form(max_length=_IDS_LENGTH)] = "",
) -> list[str]:
    """Return the people that a form names: one a field, as boxes give them, or all in one field, because a
    form has 1,000 fields at most.
    """
    ids = [*(person or ()), *people.split()]
    if not ids:
        raise BadParameterError("nobody is selected")
    if len(ids) > MOST_AT_ONCE:
        raise BadParameterError(f"{len(ids):,} people are selected; {MOST_AT_ONCE:,} are the most at once")
    return ids


Chosen = Annotated[list[str], Depends(chosen_people)]
Text = Annotated[str, Form(max_length=1_000)]


@dataclass(frozen=True, slots=True)
class TagLink:
    """A tag of the archive.

    Attributes:
        name: Its name.
        count: Number of people of the archive.
        url: Address of the people with it.
    """

    name: str
    count: int
    url: str


@router.get("/tags")
async def tags(request: Request, session: Searching) -> Response:
    """Return the tags of the archive."""
    known = await session_tags.all_tags(session)
    content = {
        "links": [
            TagLink(name, count, PageQuery(set_field("", "tag", name)).url())
            for name, count in known.counts().items()
        ],
        "stray": len(known.stray),
        "query": PageQuery(),
    }
    return page(request, "tags.html", content)


@router.post("/people/{person_id}/tags")
async def tag_person(
    request: Request,
    session: Reviewer,
    person_id: str,
    add: Text = "",
    remove: Text = "",
    note: Annotated[str | None, Form(max_length=20_000)] = None,
    back: Text = "",
    part: Part = None,
) -> Response:
    """Change tags and note of one person."""
    change = TagChange.of(_split(add), _split(remove), note)
    (person,) = await session_tags.change_tags(session, [person_id], change)
    if part == "tags":
        return page(
            request,
            "part_tags.html",
            {"person_id": person_id, "tagged": person, "back": back, "tag_trouble": ""},
        )
    return RedirectResponse(_local(back, f"/people/{person.person_id}"), 303)


@router.post("/selection/tags")
async def tag_selected(
    request: Request,
    session: Reviewer,
    chosen: Chosen,
    tag: Text = "",
    how: Annotated[str, Form(pattern="^(add|remove)$")] = "add",
    back: Text = "",
    part: Part = None,
) -> Response:
    """Add a tag to chosen people, or remove it."""
    names = _split(tag)
    change = TagChange.of(names) if how == "add" else TagChange.of((), names)
    people = await session_tags.change_tags(session, chosen, change)
    if part == "tagged":
        return page(request, "part_tagged.html", {"people": people})
    return RedirectResponse(_local(back, "/tags"), 303)


@router.post("/selection/export")
async def export(
    session: Reviewer, chosen: Chosen, form: Annotated[str, Form(max_length=16)] = "csv"
) -> Response:
    """Return the export of chosen people as a zip file."""
    wanted: SelectedForm | None = next((one for one in FORMS if one == form), None)
    if wanted is None:
        raise BadParameterError(f"no format {form!r}; there are: {', '.join(FORMS)}")
    service = session.app_state.service
    content, _ = await session.recorded(
        session.app_state.searches,
        "export",
        f"{wanted}; {session_tags.named(chosen)}",
        lambda: export_selected(service, chosen, wanted),
        lambda answer: answer[1],
    )
    headers = {"Content-Disposition": f'attachment; filename="people-{wanted}.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


@router.post("/selection/review")
async def review(session: Reviewer, reviews: Open, chosen: Chosen) -> Response:
    """Start a review of people who look like the chosen ones, and go to it."""
    name = await session.recorded(
        session.app_state.searches,
        "review",
        f"like {session_tags.named(chosen)}",
        lambda: reviews.start_like(list(dict.fromkeys(chosen))),
        lambda _: 0,
    )
    return RedirectResponse(f"/reviews/{name}", 303)


@router.get("/compare")
async def compare(
    request: Request, session: Searching, person: Annotated[list[str], Query(max_length=MOST_AT_ONCE)]
) -> Response:
    """Return two people beside each other."""
    comparison = await session_tags.compare(session, person)
    known = await session_tags.tags_of(session, person)
    people = [
        (name, hit, known.get(hit.person_id))
        for name, hit in (("First", comparison.first), ("Second", comparison.second))
    ]
    content = {
        "comparison": comparison,
        "people": people,
        "meaning": NOBODY_IDENTIFIED,
        "swapped": f"/compare?person={person[1]}&person={person[0]}",
        "query": PageQuery(),
    }
    return page(request, "compare.html", content)


@router.post("/selection/forget")
async def ask_to_forget(request: Request, session: Admin, chosen: Chosen, back: Text = "") -> Response:
    """Ask whether the chosen people are to be erased, and how many they are."""
    people = list(dict.fromkeys(chosen))
    content = {"people": people, "back": _local(back, "/"), "query": PageQuery()}
    return page(request, "forget.html", content)


@router.post("/forget")
async def forget(
    session: Admin, chosen: Chosen, number: Annotated[str, Form(max_length=16)] = ""
) -> Response:
    """Begin to erase the chosen people, and show how it goes."""
    counted = int(number) if number.strip().isascii() and number.strip().isdigit() else -1
    begun = await session_tags.start_forgetting(session, chosen, counted)
    return RedirectResponse(f"/forget/{begun.name}", 303)


@router.get("/forget/{name}")
async def forgetting(request: Request, session: Admin, name: str) -> Response:
    """Return how an erasure goes, or how it ended."""
    found = session.app_state.forgettings.one(name)
    headers = {"Refresh": _REFRESH_S} if found.state == "running" else None
    return page(request, "forgetting.html", {"erasure": found, "query": PageQuery()}, 200, headers)


def _split(text: str) -> list[str]:
    return [name for name in text.split(",") if name.strip()]


def _local(address: str, otherwise: str) -> str:
    """Return an address of this server, or another one instead of it."""
    plain = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if plain and address.isprintable() else otherwise
