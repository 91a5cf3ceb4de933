"""One search from a store to hits: for the command line, the query flow and the gate."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from par_core.archive import decode
from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.models.profiles import embedding_fingerprint, load_describer, load_segmenter, load_text_encoder
from par_core.query.answer import SearchResult
from par_core.query.crops import crops_of
from par_core.query.gallery import write_gallery
from par_core.query.gone import leave_out_gone
from par_core.query.rank import people_of
from par_core.query.search import check_embedding, search_attributes, search_image, search_text
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.types import ImageU8

__all__ = ["Question", "Searcher", "ask", "read_picture", "save_gallery"]

_MORE: Final = 4  # times as many hits are looked at where too many files have gone
_MOST_HITS: Final = 10_000  # looked at, however many have gone


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        text: Free words, or None.
        image: A picture whose largest person to look for, or None.
        where: A filter, or None.
        top: Hits at most.
        absent: Also people whose file is gone.
    """

    text: str | None = None
    image: Path | None = None
    where: str | None = None
    top: int = 20
    absent: bool = False


class Searcher:
    """A store that is asked again and again: models stay loaded, every question reads the version that is live at that moment. May be shared by threads.

    Args:
        store_root: Folder of the store.
        config: Names the models.
        version: Of the index: ``live``, ``latest`` or a number. In an older version, whoever's file has gone since counts as gone.

    Raises:
        BadConfigError: There is no store.
    """

    def __init__(self, store_root: Path, config: RunConfig, version: str = "live") -> None:
        self.store = Store.open(store_root)
        self.config = config
        self.version = version
        self._opened: dict[str, PeopleIndex] = {}

    def warm(self) -> None:
        """Load what a text needs, so that the first question is as quick as the next."""
        load_text_encoder(self.config).encode(["a person"])

    def index(self) -> PeopleIndex:
        """The version of the index that a question reads now.

        Raises:
            BadConfigError: The store is empty, or has no such version.
        """
        return self._open(self.version)

    def ask(self, question: Question) -> SearchResult:
        """Answer a question.

        Raises:
            BadConfigError: The store is empty, the version or the filter is wrong, or nothing was asked.
            FingerprintError: The store was filled with another model.
        """
        index, newest = self._open(self.version), self._open("latest")
        result = _answer(index, question, self.config)
        if index.version == newest.version:
            return result
        asked = question.top
        while True:  # the next ones take the places of those whose file has gone
            kept = leave_out_gone(result, self.store, index, newest, absent=question.absent)
            if len(kept.hits) >= question.top or len(result.hits) < asked or asked >= _MOST_HITS:
                return replace(kept, hits=kept.hits[: question.top])
            asked = min(_MORE * asked, _MOST_HITS)
            result = _answer(index, replace(question, top=asked), self.config)

    def _open(self, version: str) -> PeopleIndex:
        """A version of the index. It stays open until another version is written or goes live, so that LanceDB keeps what it has read of it in memory."""
        index = self._opened.get(version)
        if index is None or not index.is_current():
            index = PeopleIndex.open(self.store.index_path, version)
            if index is None:
                root = self.store.root
                raise BadConfigError(f"the store at {root} holds no people yet; fill it with: par index SOURCE --store {root}")
            self._opened[version] = index
        return index


def ask(store_root: Path, question: Question, config: RunConfig, version: str = "live") -> tuple[SearchResult, PeopleIndex]:
    """Answer one question; see :class:`Searcher`.

    Returns:
        The answer, and the index that gave it.
    """
    searcher = Searcher(store_root, config, version)
    return searcher.ask(question), searcher.index()


def _answer(index: PeopleIndex, question: Question, config: RunConfig) -> SearchResult:
    if question.text and question.image:
        raise BadConfigError("ask with a text or with a picture, not with both")
    if question.text is None and question.image is None:
        if question.where is None:
            raise BadConfigError("nothing was asked; give a text, --image FILE, or --where FILTER")
        return search_attributes(index, where=question.where, top=question.top, absent=question.absent)
    check_embedding(index, embedding_fingerprint(config), config.profile)
    if question.text is not None:
        encoder = load_text_encoder(config)
        return search_text(index, encoder, question.text, where=question.where, top=question.top, absent=question.absent)
    assert question.image is not None
    vector = _largest_person(question.image, config)
    return search_image(index, vector, f"people like {question.image.name}", where=question.where, top=question.top, absent=question.absent)


def save_gallery(path: Path, result: SearchResult, store_root: Path, index: PeopleIndex, config: RunConfig, command: str) -> None:
    """Write the contact sheet of an answer."""
    crops = crops_of(result.hits, Store.open(store_root), index.info.segment_config, config.archive)
    provenance = {
        "command": command,
        "store": str(store_root),
        "index": f"version {index.version}, {len(index)} people",
        "profile": index.info.profile,
        "embedding": index.info.embedding,
        "segmentation": index.info.segment_config,
        "description": index.info.describe_config,
    }
    write_gallery(path, result, crops, provenance)


def read_picture(path: Path, config: RunConfig) -> ImageU8:
    """Decode one picture as indexing would.

    Raises:
        BadConfigError: It cannot be read.
        UnreadableImageError: It is no picture.
    """
    try:
        return decode(path.read_bytes(), config.archive).pixels
    except OSError as error:
        raise BadConfigError(f"{path} cannot be read: {error.strerror}") from error


def _largest_person(path: Path, config: RunConfig) -> np.ndarray:
    people = people_of(read_picture(path, config), load_segmenter(config), load_describer(config), config)
    if not people:
        raise BadConfigError(f"nobody was found in {path}")
    return people[0].vector
