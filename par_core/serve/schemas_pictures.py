"""Types of the API for pictures: the people of an upload, and of a photograph of the archive."""

from pydantic import Field

from par_core.serve.schemas import ApiModel, OutlineResponse

__all__ = ["ImagePeopleResponse", "ImagePersonJson", "PictureResponse", "UploadedPersonJson"]

Box = tuple[float, float, float, float]


class UploadedPersonJson(ApiModel):
    """A person of an uploaded picture."""

    name: str = Field(description="Name for queries: picture:NAME.")
    box: Box = Field(description="Box of the person in pixels of the upright picture.")
    score: float = Field(
        description="Score of the segmenter, 0 to 1; 0 where it found nobody in the box that was given, and"
        " all of the box counts."
    )
    polygons: list[list[tuple[int, int]]] = Field(
        description="Outline: closed lines of (x, y) in pixels of the upright picture, the largest first."
    )


class PictureResponse(ApiModel):
    """The people of an uploaded picture. Only their embeddings are kept, in memory."""

    name: str = Field(description="Name of the first one for queries: picture:NAME.")
    box: Box = Field(description="Box of the first one in pixels of the upright picture.")
    people: int = Field(description="Number of people in `found`.")
    width: int = Field(description="Width of the upright picture in pixels.")
    height: int = Field(description="Height of the upright picture in pixels.")
    found: list[UploadedPersonJson] = Field(
        description="The people, the largest first, at most 30; or the one in the box that was given."
    )


class ImagePersonJson(ApiModel):
    """A person of a photograph."""

    person_id: str
    box: Box = Field(description="x1, y1, x2, y2 in pixels of the upright image.")
    outline: OutlineResponse | None = Field(
        description="null where the store does not hold the mask any more."
    )


class ImagePeopleResponse(ApiModel):
    """The people of a photograph, from left to right."""

    width: int = Field(description="Width of the upright image in pixels.")
    height: int = Field(description="Height of the upright image in pixels.")
    people: list[ImagePersonJson]
