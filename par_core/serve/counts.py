"""Counts over the people of an answer, kept for one version of the index. May be shared by threads."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from par_core.errors import IndexChangedError, StoreError
from par_core.query.question import Question
from par_core.query.tagged import tags_state
from par_core.serve.answers import Versions
from par_core.serve.facets import Facets, count_facets, count_tags
from par_core.serve.groups import By, Groups, group_people
from par_core.serve.recent import Recent
from par_core.serve.searches import Searches
from par_core.store.lance import PeopleIndex
from par_core.tags.files import read_tags
from par_core.tags.of_index import tags_of

__all__ = ["Counts"]

T = TypeVar("T")

_KEPT: Final = 128
_TURNS: Final = 16


class Counts:
    """Counts the people of answers.

    Args:
        searches: Answers the questions.
        open_index: Returns the version that searches read now, and the versions of the index.
    """

    def __init__(self, searches: Searches, open_index: Callable[[], tuple[PeopleIndex, Versions]]) -> None:
        self._searches, self._open = searches, open_index
        self._kept: Recent[tuple[object, ...], Any] = Recent(_KEPT)
        self._turns = [threading.Lock() for _ in range(_TURNS)]

    def clear(self) -> None:
        """Drop what is kept."""
        self._kept.clear()

    def _turn(self, key: tuple[object, ...]) -> threading.Lock:
        """Return the lock under which counts of a kind and question are made once."""
        return self._turns[hash(key) % len(self._turns)]

    def facets(self, question: Question) -> Facets:
        """Return numbers of people by colour, attribute, tag, folder and time; see ``ArchiveService.facets``.
        Tags are counted by themselves: they change more often than the index. Where their files are damaged,
        none is counted; the answer says so.
        """

        def count(index: PeopleIndex, versions: Versions) -> Facets:
            return count_facets(*self._searches.people_of(question, index, versions))

        def tags(index: PeopleIndex, versions: Versions) -> dict[str, int]:
            people = tags_of(index).people
            return (
                count_tags(self._searches.people_of(question, index, versions)[0], people) if people else {}
            )

        facets = self._counted("facets", question, count)
        try:
            state = read_tags(self._open()[0].path.parent).state
            return replace(facets, tags=self._counted(f"tags {state}", question, tags))
        except StoreError:
            return facets

    def groups(self, by: By, question: Question) -> Groups:
        """Return cameras or days; see ``ArchiveService.groups``."""

        def count(index: PeopleIndex, versions: Versions) -> Groups:
            people, best = self._searches.people_of(question, index, versions)
            return group_people(people, by, best)

        return self._counted(by, question, count)

    def _counted(self, kind: str, question: Question, count: Callable[[PeopleIndex, Versions], T]) -> T:
        index, versions = self._open()
        state = tags_state(index, question.text, question.where)
        key = (kind, question.text, question.where, question.absent, question.weak, state)
        try:
            with self._turn(key):  # filters and timeline of a page ask for the same at the same time
                counts: T = self._kept.get_or_make((*key, versions), lambda: count(index, versions))
        except IndexChangedError:  # somebody was forgotten meanwhile
            index, versions = self._open()
            counts = count(index, versions)
        return counts
