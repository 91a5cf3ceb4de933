"""One search from a store to hits: for the command line, the query flow and the quality gate."""

import gc
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
from cachetools import LRUCache, cached

from par_core.archive import decode
from par_core.config import RunConfig
from par_core.errors import BadConfigError, IndexChangedError, StoreError, UnreadableImageError
from par_core.models.fingerprints import embedding_fingerprint
from par_core.models.profiles import load_describer, load_segmenter, load_text_scorer
from par_core.plurals import number_of
from par_core.query.answer import SearchResult
from par_core.query.crops import crops_of
from par_core.query.denials import read_question
from par_core.query.language import AllOf, Likeness, Node
from par_core.query.missing_files import leave_out_missing
from par_core.query.neighbouring_colours import search_near
from par_core.query.one_picture import people_of
from par_core.query.people import People
from par_core.query.place_hints import place_hints
from par_core.query.question import MOST_ORDERED, Question, facts_of, is_judged
from par_core.query.resident_reader import ResidentReader
from par_core.query.searching import Wanted, list_facts, sample_of, search_filter, search_query
from par_core.query.table import check_embedding
from par_core.query.why_nobody import MOST, Asked, why_nobody
from par_core.query.word_hints import read_as
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.types import ImageU8
from par_core.version import __version__

__all__ = ["Question", "Searcher", "ask", "notes_on", "read_picture", "save_gallery"]

_MORE: Final = 4  # times as many hits are read where too many files have vanished
_SAMPLES_KEPT: Final = 4
_PATIENT_S: Final = 5.0  # to begin with an index in memory
_IMAGE: Final = "image"
_MOST_HITS: Final = 10_000  # read, however many files have vanished


class Searcher:
    """A store that is open for many questions: models stay loaded, every question reads the version that is
    live at that moment. May be shared by threads.

    Args:
        store_root: Folder of the store.
        config: Names the models.
        version: Version of the index: ``live``, ``latest`` or a number. A person of an older version whose
            file has vanished since counts as absent.
        resident: For many questions: a thread reads what searches need of each version into memory; until it
            has, LanceDB answers.

    Raises:
        BadConfigError: There is no store.
    """

    def __init__(
        self, store_root: Path, config: RunConfig, version: str = "live", *, resident: bool = False
    ) -> None:
        self.store = Store.open(store_root)
        self.config = config
        self.version = version
        self._opened: dict[str, PeopleIndex] = {}
        self._resident = ResidentReader() if resident else None

    def warm(self) -> None:
        """Load the models for texts and the grammar, so that the first question is as quick as the next. If
        the index is wanted in memory, begin to read it, and wait for that for some seconds.
        """
        if self._resident is not None and (index := self._opened_index()) is not None:
            self._resident.read_soon(index)
        _parse("a person")
        load_text_scorer(self.config).query("a person")
        if self._resident is not None:
            self._resident.wait(_PATIENT_S)
            # what is loaded now stays: in a search for garbage among it, one question would wait 0.1 s
            gc.collect()
            gc.freeze()

    def wait_until_read(self) -> None:
        """Wait until the index is in memory, if it is being read."""
        if self._resident is not None:
            self._resident.wait()

    def has_read(self, index: PeopleIndex) -> bool:
        """Whether an index is in memory, as far as its files allow it."""
        return self._resident is not None and self._resident.has_read(index)

    def index(self) -> PeopleIndex:
        """Return the version of the index that a question reads now.

        Raises:
            BadConfigError: The store is empty, or has no such version.
        """
        return self._open(self.version)

    def newest(self) -> PeopleIndex:
        """Return the newest version of the index, whichever one questions read.

        Raises:
            BadConfigError: The store is empty.
        """
        return self._open("latest")

    def ask(self, question: Question) -> SearchResult:
        """Answer a question. If somebody is forgotten meanwhile, it is answered from the newest version.

        Raises:
            BadConfigError: The store is empty, the version or the filter is wrong, or the question is empty.
            FingerprintError: The store was filled with another model.
        """
        try:
            return self._ask(question)
        except IndexChangedError:
            self._opened.clear()
            return self._ask(question)

    def _ask(self, question: Question) -> SearchResult:
        index, newest = self.index(), self.newest()
        if self._resident is not None:
            self._resident.read_soon(index)
        result = _answer(index, question, self.config)
        if not result.hits:
            node = _parse(question.text) if question.text else None
            hints = place_hints(index, node, question.where)
            why = (
                ()
                if question.is_page or question.image is not None
                else _why(index, question, node, self.config, below=_left_out(result))
            )
            return replace(result, warnings=(*result.warnings, *hints), why=why)
        if index.read_identity == newest.read_identity:
            return result
        if question.page is not None:  # its pages follow one another, however many people each of them loses
            return leave_out_missing(result, self.store, index, newest, absent=question.absent)
        depth = question.top
        while True:  # the next hits take the places of those whose file has vanished
            kept = leave_out_missing(result, self.store, index, newest, absent=question.absent)
            if len(kept.hits) >= question.top or len(result.hits) < depth or depth >= _MOST_HITS:
                return replace(kept, hits=kept.hits[: question.top])
            depth = min(_MORE * depth, _MOST_HITS)
            result = _answer(index, replace(question, top=depth), self.config)

    def _opened_index(self) -> PeopleIndex | None:
        try:
            return self.index()
        except BadConfigError:  # there is nobody yet
            return None

    def _open(self, version: str) -> PeopleIndex:
        """Return a version of the index. It stays open until another version is written or goes live, so that
        LanceDB keeps the parts it has read in memory.
        """
        index = self._opened.get(version)
        if index is None or not index.is_current():
            index = PeopleIndex.open(self.store.index_path, version)
            if index is None:
                root = self.store.place
                raise BadConfigError(
                    f"the store at {root} holds no people yet; fill it with: par index SOURCE --store {root}"
                )
            self._opened[version] = index
        return index


def ask(
    store_root: Path, question: Question, config: RunConfig, version: str = "live"
) -> tuple[SearchResult, PeopleIndex]:
    """Answer one question; see :class:`Searcher`.

    Returns:
        The answer, and the index that it comes from.
    """
    searcher = Searcher(store_root, config, version)
    return searcher.ask(question), searcher.index()


def _answer(index: PeopleIndex, question: Question, config: RunConfig) -> SearchResult:
    wanted = Wanted(
        question.where, question.top, question.absent, question.weak, question.apart, question.depth
    )
    if question.page is not None:
        wanted = replace(wanted, top=MOST_ORDERED, depth=MOST_ORDERED, page=question.page)
    if question.text is None and question.image is None:
        if question.where is None and question.page is None:
            raise BadConfigError("nothing was asked; give a text, --image FILE, or --where FILTER")
        return search_filter(index, wanted)
    if question.page is not None and question.image is None and not is_judged(question.text):
        facts = facts_of(question.text, question.where)
        return list_facts(index, facts, wanted, question.text or "")
    node = None if question.text is None else _parse(question.text)
    check_embedding(index, embedding_fingerprint(config), config.profile)
    pictures = dict(question.pictures)
    phrases = [] if question.text is None else [question.text]
    if question.image is not None:
        pictures[_IMAGE] = _largest_person(question.image, config)
        like = Likeness("picture", _IMAGE)
        node = like if node is None else AllOf((like, node))
        phrases.insert(0, f"people like {question.image.name}")
    assert node is not None
    sample = _sample(index)
    scorer, asked = load_text_scorer(config), " and ".join(phrases)
    node, notes = read_as(node, scorer.encoder)

    def search(node: Node) -> SearchResult:
        return search_query(index, node, scorer, sample, wanted, asked, pictures)

    near = question.near and question.page is None
    result = search_near(search, node, question.top) if near else search(node)
    hits = result.hits if question.page is not None else result.hits[: question.top]
    return replace(result, hits=hits, warnings=(*notes, *result.warnings))


def _left_out(result: SearchResult) -> bool:
    return result.chance is not None and result.chance.left_out > 0


def _why(
    index: PeopleIndex, question: Question, node: Node | None, config: RunConfig, *, below: bool
) -> tuple[str, ...]:
    def count(text: Node | None, where: str | None, weak: bool) -> int:
        wanted = Wanted(where, MOST, question.absent, weak)
        if text is None:
            found = search_filter(index, wanted)
        else:
            scorer = load_text_scorer(config)
            read, _ = read_as(text, scorer.encoder)
            sample = _sample(index)
            found = search_query(index, read, scorer, sample, wanted, "", question.pictures)
        return min(sum(1 + len(hit.similar) for hit in found.hits), MOST)

    return why_nobody(Asked(node, question.where, question.weak, below), frozenset(index.attributes), count)


def notes_on(text: str, config: RunConfig) -> tuple[str, ...]:
    """Return what can be said of the words of a question before it is searched for: which are read as wider
    words. An answer says the same again.

    Raises:
        BadConfigError: The question is empty or wrong, or the models cannot be loaded.
    """
    return read_as(_parse(text), load_text_scorer(config).encoder)[1]


def _parse(text: str) -> Node:
    if not text.strip():
        raise BadConfigError("an empty question; say what the person looks like")
    return read_question(text)


@cached(LRUCache(_SAMPLES_KEPT), key=lambda index: (index.path, index.identity), lock=Lock())
def _sample(index: PeopleIndex) -> People:
    """Return the sample of a version of an index; a version never changes."""
    if index.resident is not None:
        return sample_of(index)
    identity = index.identity
    pinned = PeopleIndex.open(index.path, str(identity[1]))
    if pinned is None or pinned.identity != identity:
        raise StoreError(f"the index at {index.path} was replaced during the search; ask again")
    return sample_of(pinned)


def save_gallery(
    path: Path, result: SearchResult, store_root: Path, index: PeopleIndex, config: RunConfig, command: str
) -> None:
    """Write the contact sheet of an answer."""
    from par_core.query.gallery import write_gallery

    crops = crops_of(result.hits, Store.open(store_root), index.info.segment_config, config.archive)
    provenance = {
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "store": str(store_root),
        "index": f"version {index.version}, {number_of(len(index), 'person')}",
        "profile": index.info.profile,
        "embedding": index.info.embedding,
        "segmentation": index.info.segment_config,
        "description": index.info.describe_config,
        "PAR": __version__,
    }
    write_gallery(path, result, crops, provenance)


def read_picture(path: Path, config: RunConfig) -> ImageU8:
    """Decode one picture as indexing would.

    Raises:
        BadConfigError: The file cannot be read, or is no picture in a format that PAR reads.
    """
    try:
        return decode(path.read_bytes(), config.archive).pixels
    except OSError as error:
        raise BadConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnreadableImageError as error:
        raise BadConfigError(f"{path}: {error.message}") from error


def _largest_person(path: Path, config: RunConfig) -> np.ndarray:
    people = people_of(read_picture(path, config), load_segmenter(config), load_describer(config), config)
    if not people:
        raise BadConfigError(f"no person was detected in {path}")
    return people[0].vector
