"""The pages of cameras and days: where one may begin to browse."""

from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from par_core.serve.groups import By, Group
from par_core.serve.page_filters import shown_folder
from par_core.serve.page_look import page
from par_core.serve.page_query import PageQuery, narrowed
from par_core.serve.problems import UnknownIdError
from par_core.serve.user_session import UserSession, session_for

__all__ = ["GroupCard", "group_cards", "router"]

_A_PAGE: Final = 120
_AT_ONCE: Final = 500  # people of a group that are asked for at once
_BY: Final[dict[str, By]] = {"cameras": "camera", "days": "day"}

router = APIRouter(prefix="/browse", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A camera or a day in the grid.

    Attributes:
        group: The group.
        name: Its name for people.
        title: Its whole name.
        url: Address of its people, newest first.
        people_url: Address of the same list in the API.
    """

    group: Group
    name: str
    title: str
    url: str
    people_url: str


def group_cards(query: PageQuery, by: By, groups: tuple[Group, ...]) -> tuple[GroupCard, ...]:
    """Return groups as the page shows them."""
    newest = query.sorted_by("newest")
    cards = []
    for group in groups:
        if by == "camera":
            name, title = shown_folder(group.name), group.name
            its = newest.with_text(narrowed(query.q, f'source:"{group.name}"'))
        elif group.name:
            name = title = group.name
            its = newest.with_text(narrowed(query.at_all_times().q, f"on:{group.name}"))
        else:
            name = title = "Time not known"
            where = f"({query.where}) and captured_at is null" if query.where else "captured_at is null"
            its = replace(newest, where=where)
        people_url = its.url("/api/search", top=_AT_ONCE, apart="true")
        cards.append(GroupCard(group, name, title, its.url(), people_url))
    return tuple(cards)


@router.get("/{kind}")
async def groups(
    request: Request,
    session: Annotated[UserSession, Depends(session_for("search"))],
    kind: str,
    q: Annotated[str, Query(max_length=1000)] = "",
    where: Annotated[str, Query(max_length=2000)] = "",
    after: Annotated[str | None, Query(max_length=2000)] = None,
    part: Annotated[Literal["more"] | None, Header(alias="Par-Part")] = None,
) -> Response:
    """Return cameras or days of an answer, a page at a time."""
    if kind not in _BY:
        raise UnknownIdError("there are /browse/cameras and /browse/days")
    by, query = _BY[kind], PageQuery(q.strip(), where.strip())
    found = await session.groups(by, query.q or None, where=query.where or None)
    names = [group.name for group in found.groups]
    start = 0 if after is None else _place_after(names, after, descending=by == "day")
    shown = found.groups[start : start + _A_PAGE]
    more = start + _A_PAGE < len(names)
    content = {
        "query": query,
        "kind": kind,
        "cards": group_cards(query, by, shown),
        "found": found,
        "back": query.url(f"/browse/{kind}"),
        "more_url": query.url(f"/browse/{kind}", after=shown[-1].name) if more else "",
    }
    return page(request, "part_groups.html" if part == "more" else "browse.html", content)


def _place_after(names: list[str], after: str, *, descending: bool) -> int:
    """Return how many names come before the page that begins after one, which may be there no more."""
    return sum(name >= after if descending else name <= after for name in names)
