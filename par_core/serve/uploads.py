"""The people of uploaded pictures, kept in memory for questions with ``picture:NAME``."""

import hashlib
import re
from typing import Final

import numpy as np

from par_core.archive import decode
from par_core.config import RunConfig
from par_core.models.profiles import load_describer, load_segmenter
from par_core.query.one_picture import people_of, person_in_box
from par_core.serve.answers import UploadedPerson, UploadedPicture
from par_core.serve.pictures import outline_of
from par_core.serve.recent import Recent
from par_core.types import ImageU8

__all__ = ["Uploads"]

Box = tuple[float, float, float, float]

_KEPT: Final = 256  # pictures
_PEOPLE: Final = 30  # of one picture
_KEY: Final = 14  # digits of the digest in a name; two more are the number of the person
_MAX_PIXELS: Final = 50_000_000
_NAME: Final = re.compile(r'picture:"?([0-9a-f]{16})', re.IGNORECASE)


class Uploads:
    """The people of the pictures that were uploaded last. May be shared by threads.

    Args:
        config: Names the models.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._pictures: Recent[str, UploadedPicture] = Recent(_KEPT)

    def add(self, content: bytes, box: Box | None = None) -> UploadedPicture:
        """Find the people of a picture, or the person in a box of it, and keep their embeddings, not the
        picture.

        Args:
            content: The bytes of the file.
            box: x1, y1, x2, y2 in pixels of the upright picture; None finds everybody.

        Raises:
            UnreadableImageError: It is no picture, or has more than 50 million pixels.
            BadConfigError: The box is too small, or outside of the picture.
        """
        named = content if box is None else content + repr(box).encode()
        key = hashlib.sha256(named).hexdigest()[:_KEY]
        return self._pictures.get_or_make(key, lambda: self._described(key, content, box))

    def decoded(self, content: bytes) -> ImageU8:
        """Return the upright pixels of an uploaded picture.

        Raises:
            UnreadableImageError: It is no picture, or has more than 50 million pixels.
        """
        archive = self._config.archive
        limited = archive.model_copy(update={"max_pixels": min(_MAX_PIXELS, archive.max_pixels)})
        return decode(content, limited).pixels

    def vectors_for(self, text: str) -> dict[str, np.ndarray]:
        """Return the embeddings of the kept people whom a question names, by name."""
        vectors = {}
        for name in map(str.lower, _NAME.findall(text)):
            picture = self._pictures.get(name[:_KEY])
            for one in picture.people if picture is not None else ():
                if one.name == name:
                    vectors[name] = one.person.vector
        return vectors

    def _described(self, key: str, content: bytes, box: Box | None) -> UploadedPicture:
        image = self.decoded(content)
        models = load_segmenter(self._config), load_describer(self._config), self._config
        people = (
            people_of(image, *models, most=_PEOPLE) if box is None else [person_in_box(image, box, *models)]
        )
        shown = tuple(
            UploadedPerson(f"{key}{number:02x}", person, outline_of(person.mask, person.box))
            for number, person in enumerate(people)
        )
        return UploadedPicture(shown[0].name if shown else "", image.shape[1], image.shape[0], shown)
