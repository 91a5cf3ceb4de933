"""One store for page and API, without HTTP: answers, people, pictures, counts. May be shared by threads.

Every method reads the version of the index that is live at that moment. Recent answers and pictures are kept
in memory (nothing on disk) and only for one version: as soon as the index changes, all of them are dropped,
so that no suppressed person stays here.
"""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

from par_core.config import RunConfig
from par_core.errors import BadConfigError, StoreError
from par_core.query.by_time import Sort
from par_core.query.from_store import Question, Searcher, notes_on
from par_core.query.word_hints import completions
from par_core.serve.answers import (
    ImagePeople,
    PersonDetails,
    SearchPage,
    Suggestions,
    UploadedPicture,
    Versions,
)
from par_core.serve.counts import Counts
from par_core.serve.examples import finding_questions
from par_core.serve.facets import Facets
from par_core.serve.groups import By, Groups
from par_core.serve.live_index import LiveIndex
from par_core.serve.people_by_id import PeopleById
from par_core.serve.person_pictures import PersonPictures
from par_core.serve.pictures import Outline, as_jpeg
from par_core.serve.problems import NotReadyError
from par_core.serve.recent import Recent
from par_core.serve.searches import Searches
from par_core.serve.status import ServeStatus, serve_status
from par_core.serve.uploads import Uploads
from par_core.store.lance import PeopleIndex
from par_core.store.run_progress import RunProgress, read_progress
from par_core.tags.of_index import tags_of

__all__ = [
    "ArchiveService",
    "PersonDetails",
    "SearchPage",
    "Suggestions",
    "UploadedPicture",
    "Versions",
]


_LONGEST_PX: Final = 1_600  # side of a whole photograph


class ArchiveService:
    """One store, open for many users.

    Args:
        store_root: Folder of the store.
        config: Names the models.
        searcher: The store, open already; None opens it, and reads what searches need into memory.

    Raises:
        BadConfigError: There is no store.
    """

    def __init__(self, store_root: Path, config: RunConfig, searcher: Searcher | None = None) -> None:
        self._searcher = searcher or Searcher(store_root, config, resident=True)
        self.store = self._searcher.store
        self.config = config
        self._people = PeopleById(self._searcher)
        self._pictures = PersonPictures(self._searcher, config, self._people)
        self._examples: Recent[Versions, tuple[str, ...]] = Recent(1)
        self._uploads = Uploads(config)
        self._searches = Searches(store_root, config, self._searcher, self._uploads)
        self._counts = Counts(self._searches, self._open)
        self._kept_versions: Versions | None = None
        self._live = LiveIndex(self._searcher)
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Load the text model and read what searches need of the index into memory, so that the first
        question is as quick as the next. A large index is still being read when this returns.
        """
        self._searcher.warm()

    def start_processes(self, most: int) -> None:
        """Let other processes answer questions too, when several are asked at once.

        Args:
            most: Largest number of processes, beside this one.
        """
        self._searches.start_processes(most)

    def close(self) -> None:
        """End the other processes; this one answers alone from then on."""
        self._searches.close()

    def versions(self) -> Versions:
        """Return the present versions of the index, and drop what is kept of older ones.

        Raises:
            NotReadyError: The index holds no people yet.
        """
        return self._open()[1]

    def live_index(self) -> PeopleIndex:
        """Return the index at the version that searches read now.

        Raises:
            NotReadyError: The index holds no people yet.
        """
        return self._open()[0]

    def search(
        self,
        q: str | None = None,
        *,
        where: str | None = None,
        top: int = 60,
        offset: int = 0,
        absent: bool = False,
        weak: bool = False,
        apart: bool = False,
        sort: Sort = "best",
        after: str | None = None,
    ) -> SearchPage:
        """Answer a question, a page at a time.

        Args:
            q: A question in the query language; ``picture:NAME`` names an uploaded picture. None or empty if
                there is only a filter.
            where: A filter in the language of ``par_core.query.where``, or None.
            top: Maximum number of hits of the page; the last page of ranked hits that is found by
                ``offset`` ends with the 10,000th. In the order of capture, people of one image stay together,
                however many.
            offset: Number of hits before the page.
            absent: Also people whose file has vanished or was replaced.
            weak: Also hits that are likely chance.
            apart: Hits of one image, and of nearly the same picture, each by itself instead of folded into
                the best of them.
            sort: ``best``, or ``newest`` or ``oldest`` in the order of capture: everybody for whom a question
                of facts holds (of no question, everybody), or the 1,000 best hits of words.
            after: ``next_after`` of the page before, of lists in the order of capture and of lists by fields
                and filters alone; None is the first page.

        Raises:
            BadConfigError: The question or the filter is wrong, both are empty and the best are wanted, or
                the page lies too deep.
            FingerprintError: The store was filled with another model.
            NotReadyError: The index holds no people yet.
        """
        index, versions = self._open()
        question = replace(
            _question(q, where, absent=absent, weak=weak), apart=apart, near=True, sort=sort, after=after
        )
        try:
            page = self._searches.page(question, top, offset, index, versions)
        except BadConfigError:
            self._open()  # says so if the question is right, and the index was emptied meanwhile
            raise
        self._people.keep(page.result.hits, versions)
        return page

    def suggest(self, q: str) -> Suggestions:
        """Return how the last word of a question may go on, and what can be said of its words before it is
        searched for. A question that is not whole yet gets no notes.

        Raises:
            NotReadyError: The index holds no people yet.
        """
        index, _ = self._open()
        try:
            notes = notes_on(q, self.config)
        except BadConfigError:
            notes = ()
        try:
            tags = list(tags_of(index).counts())
        except StoreError:  # the answer says what is wrong with them
            tags = []
        return Suggestions(completions(q, index.attributes, tags), notes)

    def examples(self) -> tuple[str, ...]:
        """Return up to six questions that find somebody in this version of the index; none where it is
        empty.
        """
        try:
            _, versions = self._open()
        except NotReadyError:
            return ()
        return self._examples.get_or_make(
            versions, lambda: finding_questions(self._searcher.ask, self.facets())
        )

    def person(self, person_id: str) -> PersonDetails:
        """Return all that the index knows of one person, whether or not the file is still there.

        Raises:
            UnknownIdError: No person in the index has this id.
            NotReadyError: The index holds no people yet.
        """
        return self._people.details(person_id, *self._open())

    def crop(self, person_id: str) -> bytes:
        """Return a JPEG of the person with some surroundings, the background dimmed, cut from the archive.

        Raises:
            UnknownIdError: No person in the index has this id.
            GoneError: The file is not there any more, or is another one now.
            NotReadyError: The index holds no people yet.
        """
        return self._pictures.crop(person_id, *self._open())

    def image(self, image_id: str, longest: int = _LONGEST_PX) -> bytes:
        """Return the whole photograph as JPEG, upright, without the file's metadata.

        Args:
            image_id: Id of the image.
            longest: Its longer side in pixels is made smaller where it is longer than this.

        Raises:
            UnknownIdError: The index has no image with this id.
            GoneError: No place of it holds it any more.
            UnreadableImageError: It cannot be decoded.
            NotReadyError: The index holds no people yet.
        """
        return self._pictures.image(image_id, longest, self._open()[0])

    def image_people(self, image_id: str) -> ImagePeople:
        """Return the people of a photograph with their outlines, from left to right.

        Raises:
            UnknownIdError: The index has no image with this id.
            NotReadyError: The index holds no people yet.
        """
        return self._pictures.image_people(image_id, self._open()[0])

    def outline(self, person_id: str) -> Outline:
        """Return box and mask of the person in the image.

        Raises:
            UnknownIdError: No person in the index has this id.
            GoneError: The mask is not in the store any more.
            NotReadyError: The index holds no people yet.
        """
        return self._pictures.outline(person_id, *self._open())

    def facets(
        self, where: str | None = None, *, q: str | None = None, absent: bool = False, weak: bool = False
    ) -> Facets:
        """Return counts of colours, attributes, tags, folders and times over the people of an answer:
        everybody for whom a question of facts holds (without any, everybody), or the 1,000 best hits of
        words.

        Raises:
            BadConfigError: The question or the filter is wrong.
            FingerprintError: There are words, and the store was filled with another model.
            NotReadyError: The index holds no people yet.
        """
        question = _question(q, where, absent=absent, weak=weak)
        return self._counts.facets(question)

    def groups(
        self,
        by: By,
        q: str | None = None,
        *,
        where: str | None = None,
        absent: bool = False,
        weak: bool = False,
    ) -> Groups:
        """Return the cameras or the days of the people of an answer; see :meth:`facets`.

        Raises:
            BadConfigError: The question or the filter is wrong.
            FingerprintError: There are words, and the store was filled with another model.
            NotReadyError: The index holds no people yet.
        """
        question = _question(q, where, absent=absent, weak=weak)
        return self._counts.groups(by, question)

    def add_picture(
        self, content: bytes, box: tuple[float, float, float, float] | None = None, *, empty: bool = False
    ) -> UploadedPicture:
        """Find the people of a picture and keep their embeddings (not the picture) in memory, for questions
        with ``picture:NAME``.

        Args:
            content: The bytes of the file.
            box: x1, y1, x2, y2 in pixels of the upright picture: only the person in it; None finds everybody.
            empty: Whether a picture without people is an answer too.

        Raises:
            UnreadableImageError: It is no picture, or has more than 50 million pixels.
            BadConfigError: It shows no person, or the box is too small or outside of it.
        """
        picture = self._uploads.add(content, box)
        if not picture.people and not empty:
            raise BadConfigError(
                "nobody was found in the picture; give one that shows a person from head to knee or more, or"
                " draw a box around the person"
            )
        return picture

    def shown_picture(self, content: bytes) -> bytes:
        """Return an uploaded picture as a page shows it: a JPEG, upright, at most 1600 pixels a side, without
        metadata. It is not kept.

        Raises:
            UnreadableImageError: It is no picture, or has more than 50 million pixels.
        """
        return as_jpeg(self._uploads.decoded(content), _LONGEST_PX)

    def status(self) -> ServeStatus:
        """Return what the store holds, what the last runs did, and whether one is under way."""
        return serve_status(self.store, self.config)

    def progress(self) -> tuple[bool, RunProgress | None]:
        """Return whether a command writes to the store, and how far the run is that does."""
        return self.store.is_held(), read_progress(self.store)

    def _open(self) -> tuple[PeopleIndex, Versions]:
        try:
            index, versions = self._live.open()
        except NotReadyError:
            self._keep_only_of(None)
            raise
        self._keep_only_of(versions)
        return index, versions

    def _keep_only_of(self, versions: Versions | None) -> None:
        """Drop the values that are kept of other versions."""
        with self._lock:
            if versions != self._kept_versions:
                for kept in (self._people, self._pictures, self._counts, self._examples):
                    kept.clear()
                self._kept_versions = versions
                self._searches.keep_only(versions)


def _question(q: str | None, where: str | None, *, absent: bool, weak: bool) -> Question:
    return Question((q or "").strip() or None, where=(where or "").strip() or None, absent=absent, weak=weak)
