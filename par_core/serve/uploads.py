"""The people of uploaded pictures, kept in memory for questions with ``picture:NAME``."""

import hashlib
import re
from typing import Final

import numpy as np

from par_core.archive import decode
from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.models.profiles import load_describer, load_segmenter
from par_core.query.one_picture import people_of
from par_core.serve.answers import UploadedPicture
from par_core.serve.recent import Recent

__all__ = ["Uploads"]

_KEPT: Final = 256
_MAX_PIXELS: Final = 50_000_000
_NAME: Final = re.compile(r'picture:"?([0-9a-f]{16})', re.IGNORECASE)


class Uploads:
    """The pictures that were uploaded last. May be shared by threads.

    Args:
        config: Names the models.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._pictures: Recent[str, UploadedPicture] = Recent(_KEPT)

    def add(self, content: bytes) -> UploadedPicture:
        """Find the largest person of a picture and keep the embedding, not the picture.

        Raises:
            UnreadableImageError: It is no picture, or has more than 50 million pixels.
            BadConfigError: It shows no person.
        """
        name = hashlib.sha256(content).hexdigest()[:16]
        return self._pictures.get_or_make(name, lambda: self._described(name, content))

    def vectors_for(self, text: str) -> dict[str, np.ndarray]:
        """Return the embeddings of the kept pictures that a question names, by name."""
        named = {name: self._pictures.get(name) for name in _NAME.findall(text)}
        return {name: picture.person.vector for name, picture in named.items() if picture is not None}

    def _described(self, name: str, content: bytes) -> UploadedPicture:
        archive = self._config.archive
        limited = archive.model_copy(update={"max_pixels": min(_MAX_PIXELS, archive.max_pixels)})
        people = people_of(
            decode(content, limited).pixels,
            load_segmenter(self._config),
            load_describer(self._config),
            self._config,
        )
        if not people:
            raise BadConfigError(
                "nobody was found in the picture; give one that shows a person from head to knee or more"
            )
        return UploadedPicture(name, people[0], len(people))
