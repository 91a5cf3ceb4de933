"""What a reader of faces answers, and which of several faces belongs to a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from par_core.errors import BadInputError
from par_core.types import ImageU8

__all__ = ["Face", "FaceReader", "FaceReadingError", "choose_face", "whole_picture_answer"]

_HEAD_SHARE: Final = 0.35  # of a person's height, from the top: the centre of the face lies in it
_TALLEST: Final = 0.4  # of a person's height: what is taller is no face of this person


class FaceReadingError(BadInputError):
    """The faces of one picture cannot be read."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture.

    Attributes:
        box: x1 y1 x2 y2 in pixels of the picture, inside it.
        score: Confidence of the detector in [0, 1]; 0 where no face was found and an engine answered from the
            whole picture.
        woman: Probability that the person is a woman, in [0, 1].
        age: Age in years.
    """

    box: tuple[float, float, float, float]
    score: float
    woman: float
    age: float

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return self.box[3] - self.box[1]

    @property
    def area(self) -> float:
        """Area of the box in pixels."""
        return (self.box[2] - self.box[0]) * self.height


@runtime_checkable
class FaceReader(Protocol):
    """Finds faces and answers for each of them.

    Attributes:
        fingerprint: Digest of weights, detector and code; readers with equal ones give equal answers.
        summary: One phrase for people: engine, version, detector.
    """

    fingerprint: str
    summary: str

    def read(self, cutouts: Sequence[ImageU8]) -> list[list[Face]]:
        """Read the faces in pictures of any sizes, each of one person.

        Returns:
            The faces of each picture, in any order; none where there is no face.

        Raises:
            FaceReadingError: A picture made the engine fail.
        """
        ...


def choose_face(faces: Sequence[Face], height: int) -> Face | None:
    """Return the face of a person, among those in a picture of the person; None if there is none.

    The centre of the face lies in the upper 35 % of the picture, its height is below 0.4 of the picture's;
    of several such faces it is the largest. Answers from the whole picture are no faces.

    Args:
        faces: Faces of the picture.
        height: Height of the picture in pixels, from the top of the person to the feet.
    """
    fitting = [
        face
        for face in faces
        if face.score > 0
        and (face.box[1] + face.box[3]) / 2 <= _HEAD_SHARE * height
        and face.height < _TALLEST * height
    ]
    return max(fitting, key=lambda face: face.area, default=None)


def whole_picture_answer(faces: Sequence[Face]) -> Face | None:
    """Return the answer that an engine gave from the whole picture, since it found no face in it."""
    return next((face for face in faces if face.score == 0), None)
