"""The API's part for whole photographs and uploaded pictures."""

import re
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, File, Form, Path, Query, UploadFile
from fastapi.responses import Response

from par_core.serve.contents import picture_content
from par_core.serve.problems import BadParameterError, TooLargeError
from par_core.serve.schemas_pictures import ImagePeopleResponse, PictureResponse
from par_core.serve.user_session import UserSession, session_for

__all__ = ["BOX", "JPEG_BODY", "add_routes", "box_of", "jpeg", "uploaded_bytes"]

JPEG_BODY: Final[dict[str, Any]] = {
    "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}
}
#: Four numbers with commas between them.
BOX: Final = r"^[0-9]{1,6}([.][0-9]{1,6})?(,[0-9]{1,6}([.][0-9]{1,6})?){3}$"

Errors = dict[int | str, dict[str, Any]]
Searching = Annotated[UserSession, Depends(session_for("search"))]
Identity = Annotated[
    str,
    Path(
        pattern="^[0-9a-f]{1,64}$",
        description="Hexadecimal, as a search gives it.",
        examples=["c1a45b4c3d2f4f0e8d3a9a6e5b7c8d9f"],
    ),
]


def add_routes(router: APIRouter, errors: dict[str, Errors]) -> None:
    """Add the routes to the API's router.

    Args:
        router: The router under ``/api``.
        errors: Descriptions of the errors of routes for a ``photograph``, its ``people`` and an ``upload``.
    """
    image_errors = {**errors["photograph"], 200: JPEG_BODY}
    router.get("/image/{image_id}", responses=image_errors, response_class=Response)(image)
    router.get("/image/{image_id}/people", responses=errors["people"])(image_people)
    router.post("/picture", responses=errors["upload"])(picture)


async def image(
    session: Searching,
    image_id: Identity,
    longest: Annotated[
        int, Query(ge=100, le=16_000, description="Pixels of its longer side, at most.")
    ] = 1_600,
) -> Response:
    """Return the whole photograph as JPEG, upright, without metadata."""
    return jpeg(await session.image(image_id, longest))


async def image_people(session: Searching, image_id: Identity) -> ImagePeopleResponse:
    """Return the people of a photograph with their outlines, from left to right."""
    return ImagePeopleResponse.model_validate(asdict(await session.image_people(image_id)))


async def picture(
    session: Searching,
    picture: Annotated[UploadFile, File(description="A picture with a person.")],
    box: Annotated[
        str | None,
        Form(
            max_length=200,
            description="Only the person in this box: x1,y1,x2,y2 in pixels of the upright picture.",
            examples=["120,40,260,420"],
            json_schema_extra={"pattern": BOX},
        ),
    ] = None,
) -> PictureResponse:
    """Upload a picture to search with: only the embeddings of its people are kept, in memory."""
    return picture_content(await session.add_picture(await uploaded_bytes(session, picture), box_of(box)))


async def uploaded_bytes(session: UserSession, picture: UploadFile) -> bytes:
    """Return the bytes of an uploaded picture.

    Raises:
        TooLargeError: There are more than the server takes.
    """
    most = session.app_state.settings.upload_bytes
    content = await picture.read(most + 1)
    if len(content) > most:
        raise TooLargeError(
            f"the picture is larger than {most / 2**20:.3g} MB, which is all that is taken; make it smaller"
        )
    return content


def box_of(text: str | None) -> tuple[float, float, float, float] | None:
    """Return the box of a text of the form of ``BOX``.

    Raises:
        BadParameterError: The text is no box.
    """
    if text is None:
        return None
    if not re.fullmatch(BOX, text):
        raise BadParameterError(
            f"no box: {text[:60]!r}; give four numbers x1,y1,x2,y2 in pixels of the upright picture, such as"
            " 120,40,260,420"
        )
    x1, y1, x2, y2 = map(float, text.split(","))
    return x1, y1, x2, y2


def jpeg(content: bytes) -> Response:
    """Return a picture of people. It is never kept (``no-store``, see the middleware): a browser would show
    it after the token was revoked or the person erased.
    """
    return Response(content, media_type="image/jpeg")
