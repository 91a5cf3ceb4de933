"""Pictures on the page: a picture of one's own, whose people are searched for, and a whole photograph of the
archive with the outlines of its people.
"""

import base64
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from par_core.serve.answers import ImagePerson, PersonDetails, UploadedPerson
from par_core.serve.api_pictures import box_of, uploaded_bytes
from par_core.serve.page_address import Part, QueryOfAddress, Searching
from par_core.serve.page_look import page
from par_core.serve.page_query import PageQuery
from par_core.serve.page_view import file_name

__all__ = ["Choice", "PhotoView", "router"]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """A person who can be chosen in a picture.

    Attributes:
        number: From 1, as shown.
        person: The person.
        url: Address of the search for people like this one.
    """

    number: int
    person: UploadedPerson
    url: str


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A whole photograph.

    Attributes:
        details: The person whose photograph it is.
        name: Name of the file.
        shown: The same person in the photograph.
        others: The other people in the photograph from left to right: number, person, address.
        back_url: Address of the person beside the answer.
        width: Width of the photograph in pixels.
        height: Height of the photograph in pixels.
    """

    details: PersonDetails
    name: str
    shown: ImagePerson
    others: tuple[tuple[int, ImagePerson, str], ...]
    back_url: str
    width: int
    height: int


@router.post("/picture")
async def picture(
    request: Request,
    session: Searching,
    picture: Annotated[UploadFile, File()],
    box: Annotated[str | None, Form(max_length=200)] = None,
    part: Part = None,
) -> Response:
    """Search people like the one in an uploaded picture, or in a box of it; where there are several, show
    them in the picture, to choose one. ``static/picture.js`` requests the part ``picture``, which is always
    shown, so that a box can be drawn.
    """
    content = await uploaded_bytes(session, picture)
    uploaded = await session.add_picture(content, box_of(box), empty=part == "picture")
    choices = [
        Choice(number, one, PageQuery(f"picture:{one.name}").url())
        for number, one in enumerate(uploaded.people, 1)
    ]
    if part != "picture" and len(choices) == 1:
        return RedirectResponse(choices[0].url, 303)
    jpeg = "" if box else base64.b64encode(await session.shown_picture(content)).decode()
    shown = {"uploaded": uploaded, "choices": choices, "jpeg": jpeg, "query": PageQuery()}
    return page(request, "part_picture.html" if part == "picture" else "picture.html", shown)


@router.get("/people/{person_id}/photo")
async def photo(
    request: Request, session: Searching, query: QueryOfAddress, person_id: str, part: Part = None
) -> Response:
    """Return the whole photograph of a person, with the outlines of everybody in it."""
    details = await session.person(person_id)
    found = await session.image_people(details.hit.image_id)
    numbered = list(enumerate(found.people, 1))
    view = PhotoView(
        details,
        file_name(details.hit.uri),
        next(one for one in found.people if one.person_id == person_id),
        tuple(
            (number, one, query.url(f"/people/{one.person_id}/photo"))
            for number, one in numbered
            if one.person_id != person_id
        ),
        query.url(f"/people/{person_id}"),
        found.width,
        found.height,
    )
    return page(
        request, "part_photo.html" if part == "photo" else "photo.html", {"view": view, "query": query}
    )
