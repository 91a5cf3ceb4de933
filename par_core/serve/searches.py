"""The questions of a server: pages of answers, and the people of an answer. May be shared by threads.

Recent answers are kept for one version of the index.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.query.answer import Hit, SearchResult
from par_core.query.answered_people import AnsweredPeople
from par_core.query.by_time import TimePage, page_of
from par_core.query.first_hits import DEEPEST, chance_of, deepened
from par_core.query.from_store import Searcher
from par_core.query.further_by_filter import place_after
from par_core.query.question import MOST_ORDERED, Question, facts_of, is_judged
from par_core.query.tagged import tags_state
from par_core.serve.answers import SearchPage, Versions
from par_core.serve.recent import Recent
from par_core.serve.search_processes import SearchProcesses
from par_core.serve.uploads import Uploads
from par_core.store.lance import PeopleIndex

__all__ = ["Searches"]

_ANSWER_HITS: Final = 20_000  # of all answers that are kept


class Searches:
    """Answers the questions of a server.

    Args:
        store_root: Folder of the store.
        config: Names the models.
        searcher: The store, open.
        uploads: Pictures that questions may name.
    """

    def __init__(self, store_root: Path, config: RunConfig, searcher: Searcher, uploads: Uploads) -> None:
        self._root, self._config = store_root, config
        self._searcher, self._uploads = searcher, uploads
        self._answers: Recent[tuple[object, ...], tuple[SearchResult, int]] = Recent(
            _ANSWER_HITS, lambda answer: 1 + sum(1 + len(hit.similar) for hit in answer[0].hits)
        )
        self._processes = SearchProcesses(store_root, config, 0)

    def start_processes(self, most: int) -> None:
        """Let other processes answer questions too, when several are asked at once.

        Args:
            most: Largest number of processes, beside this one.
        """
        self._processes.close()
        self._processes = SearchProcesses(self._root, self._config, most)

    def close(self) -> None:
        """End the other processes; this one answers alone from then on."""
        self._processes.close()

    def keep_only(self, versions: Versions | None) -> None:
        """Drop the answers that are kept, and end the processes that read another version."""
        self._answers.clear()
        self._processes.end_others(None if versions is None else (versions.table_id, versions.searched))

    def page(
        self, question: Question, top: int, offset: int, index: PeopleIndex, versions: Versions
    ) -> SearchPage:
        """Return a page of an answer.

        Args:
            question: The question; of a list that goes on by it, ``after`` is where the page begins.
            top: Maximum number of hits of the page.
            offset: Number of hits before the page.
            index: The version that searches read now.
            versions: The versions of the index.

        Raises:
            BadConfigError: The question or the filter is wrong, nothing was asked, or the page lies too deep.
            FingerprintError: The store was filled with another model.
        """
        if question.sort != "best":
            return self._page_by_time(question, top, offset, index, versions)
        facts = not is_judged(question.text)
        if question.after is not None:
            if not facts:
                raise BadConfigError(
                    "after is of lists by fields and filters alone, and of lists in the order of capture:"
                    " sort by newest or oldest"
                )
            return self._page_by_fit(question, top, offset, index, versions)
        if offset >= DEEPEST:
            how = "go on by after" if facts else "narrow it with a filter, or sort by newest or oldest"
            raise BadConfigError(f"only the first {DEEPEST} hits of a question are given by offset; {how}")
        if question.text is None and question.where is None:
            raise BadConfigError(
                "nothing was asked; say what the person looks like (q), give a filter (where), or list"
                " everybody in the order of capture (sort)"
            )
        end = min(offset + top, DEEPEST)
        result, depth = self._answer(question, end, index, versions)
        hits = result.hits[offset:end]
        more = len(result.hits) > end or (len(result.hits) == depth and depth < DEEPEST)
        cut = len(result.hits) >= end == DEEPEST
        after = self._place_after(question, hits[-1], index) if facts and hits and (more or cut) else None
        return SearchPage(
            replace(result, hits=hits, chance=chance_of(result.chance, hits), next_after=after),
            offset,
            end if more and hits else None,
            versions,
            _end_of(question) if cut and after is None else "",
        )

    def _place_after(self, question: Question, hit: Hit, index: PeopleIndex) -> str | None:
        """Return the place after which the page after a hit begins; None behind people in other colours than
        the question asks for.
        """
        wanted = facts_of(question.text, question.where)
        assert wanted is not None
        return place_after(index, wanted, hit, absent=question.absent)

    def _page_by_fit(
        self, question: Question, top: int, offset: int, index: PeopleIndex, versions: Versions
    ) -> SearchPage:
        result = self._asked(replace(question, top=top, before=offset, near=False), index)
        return SearchPage(result, offset, None, versions)

    def people_of(
        self, question: Question, index: PeopleIndex, versions: Versions
    ) -> tuple[AnsweredPeople, int | None]:
        """Return the people of an answer, and how many hits they are where there may be more.

        Args:
            question: The question.
            index: The version that searches read now.
            versions: The versions of the index.

        Raises:
            BadConfigError: The question or the filter is wrong.
            FingerprintError: The store was filled with another model.
        """
        if not is_judged(question.text):
            wanted = facts_of(question.text, question.where)
            return AnsweredPeople(index, wanted, question.absent), None
        hits = self._best(question, index, versions).hits
        return AnsweredPeople(index, hits=hits), MOST_ORDERED if len(hits) == MOST_ORDERED else None

    def _page_by_time(
        self, question: Question, top: int, offset: int, index: PeopleIndex, versions: Versions
    ) -> SearchPage:
        if offset and question.after is None:
            raise BadConfigError(
                "a list in the order of capture goes on by after, which is next_after of the page before; an"
                " offset alone does not say where"
            )
        wanted = replace(question, top=top, before=offset)
        if is_judged(question.text):
            assert isinstance(wanted.page, TimePage)
            result = page_of(self._best(question, index, versions), wanted.page, MOST_ORDERED)
            result = replace(result, chance=chance_of(result.chance, result.hits))
        else:
            result = self._asked(wanted, index)
        return SearchPage(result, offset, None, versions)

    def _best(self, question: Question, index: PeopleIndex, versions: Versions) -> SearchResult:
        ranked = replace(question, sort="best", after=None, near=False)
        result, _ = self._answer(ranked, MOST_ORDERED, index, versions)
        return replace(result, hits=result.hits[:MOST_ORDERED])

    def _answer(
        self, question: Question, depth: int, index: PeopleIndex, versions: Versions
    ) -> tuple[SearchResult, int]:
        """Return an answer that is deep enough, and the number of hits that were requested for it."""
        settings = question.absent, question.weak, question.apart, question.near
        key = (
            question.text,
            question.where,
            *settings,
            tags_state(index, question.text, question.where),
            versions,
        )
        kept = self._answers.get(key)
        if kept is not None and (kept[1] >= depth or len(kept[0].hits) < kept[1]):
            return kept
        deep = deepened(question, depth)
        result = self._asked(deep, index)
        self._answers.put(key, (result, deep.top))
        return result, deep.top

    def _asked(self, question: Question, index: PeopleIndex) -> SearchResult:
        wanted = replace(question, pictures=self._uploads.vectors_for(question.text or ""))
        if self._searcher.has_read(index):
            return self._processes.ask(wanted, index, self._searcher.ask)
        return self._searcher.ask(wanted)


def _end_of(question: Question) -> str:
    """Return why a ranked list ends before all people, and how to see others."""
    end = f"These are the first {DEEPEST:,} hits, and a list in the order of fit ends there"
    if is_judged(question.text):
        return f"{end}. Ask for more, such as a day, a camera or a colour, to see others"
    return f"{end}. In the order of capture, newest or oldest first, it goes on to the last person"
