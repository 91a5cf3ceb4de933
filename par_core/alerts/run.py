"""Running saved searches: the question is asked of the live version, and whoever was never found before is
news.

News are on the disk before they are sent, and are sent again with the next run until the target has taken
them. Each has a number, by which a target knows one that comes twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from par_core.alerts.deliver import DeliveryError, check_webhook, send, write_news
from par_core.alerts.record import (
    MOST_SEEN,
    News,
    SavedSearch,
    load_search,
    locked,
    save_search,
    search_names,
)
from par_core.errors import BadConfigError, ParError
from par_core.query.answered_people import AnsweredPeople
from par_core.query.from_store import Searcher
from par_core.query.question import MOST_ORDERED, Question, facts_of, is_judged
from par_core.store.lance import PeopleIndex

__all__ = ["Outcome", "add_search", "run_searches"]

_NEWS_KEPT: Final = 100
_SENT_A_RUN: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of a saved search did.

    Attributes:
        name: Name of the search.
        found: Number of people found.
        new: Number of people found for the first time.
        pending: Number of news that the target has not taken yet.
        trouble: What failed; empty if nothing did.
    """

    name: str
    found: int
    new: int
    pending: int
    trouble: str


def add_search(searcher: Searcher, search: SavedSearch) -> SavedSearch:
    """Save a search. Everybody whom it finds now counts as seen.

    Args:
        searcher: The store.
        search: The search, which has not run yet.

    Returns:
        The search as it is stored.

    Raises:
        BadConfigError: The name is taken or no name, the question, the filter or a target is wrong, nothing
            is asked, or more people are found than a saved search keeps.
        FingerprintError: The store was filled with another model.
    """
    if search.text is None and search.where is None:
        raise BadConfigError("nothing is asked; give a question or a filter")
    if search.webhook is not None:
        check_webhook(search.webhook)
    if search.secret_env is not None and search.webhook is None:
        raise BadConfigError("a secret signs what is sent to a webhook; give its address too")
    store = searcher.store
    with locked(store, search.name):
        if search.name in search_names(store):
            raise BadConfigError(f"there is a saved search {search.name!r} already; choose another name")
        saved, _ = _asked(searcher, search)
        saved = replace(saved, news=())
        save_search(store, saved)
    return saved


def run_searches(searcher: Searcher, names: list[str] | None = None) -> Iterator[Outcome]:
    """Run saved searches one after the other; what fails is recorded in the search, and the next one runs.

    Args:
        searcher: The store.
        names: Names of the searches; None runs all.

    Raises:
        BadConfigError: A name is none of a saved search.
    """
    known = search_names(searcher.store)
    for name in names or ():
        if name not in known:
            raise BadConfigError(f"the store has no saved search {name!r}; there are: {', '.join(known)}")
    for name in known if names is None else names:
        try:
            with locked(searcher.store, name):
                yield _run(searcher, name)
        except ParError as error:  # its file is damaged, or was removed just now
            yield Outcome(name, 0, 0, 0, str(error))


def _run(searcher: Searcher, name: str) -> Outcome:
    before = load_search(searcher.store, name)
    try:
        search, new = _asked(searcher, before)
    except ParError as error:
        search, new = replace(before, last_run=_now(), trouble=str(error)), 0
        save_search(searcher.store, search)
        return Outcome(name, search.found, 0, len(search.pending), search.trouble)
    save_search(searcher.store, search)  # before it is sent: nothing is lost
    search = _delivered(searcher, search)
    return Outcome(name, search.found, new, len(search.pending), search.trouble)


def _asked(searcher: Searcher, search: SavedSearch) -> tuple[SavedSearch, int]:
    """Return the search after its question was asked, with what is new, and how many people that are."""
    index = searcher.index()
    found = _people_of(searcher, index, search)
    seen, images = set(search.seen), set(search.images)
    # other models find the same people again under other ids: those of known images are not new
    again = search.segment_config not in ("", index.info.segment_config)
    new = [person for person, image in found if person not in seen and not (again and image in images)]
    seen.update(person for person, _ in found)
    images.update(image for _, image in found)
    if len(seen) > MOST_SEEN:
        raise BadConfigError(
            f"it finds more than {MOST_SEEN:,} people, which is the most that a saved search keeps; narrow it"
        )
    news = search.news
    if new:
        number = max((one.number for one in news), default=0) + 1
        one = News(number, _now(), index.version, tuple(new), search.webhook is None)
        news = (*news, one)
    kept = tuple(
        one for place, one in enumerate(news) if not one.delivered or place >= len(news) - _NEWS_KEPT
    )
    changed = replace(
        search,
        last_run=_now(),
        found=len(found),
        trouble="",
        segment_config=index.info.segment_config,
        seen=tuple(sorted(seen)),
        images=tuple(sorted(images)),
        news=kept,
    )
    return changed, len(new)


def _people_of(searcher: Searcher, index: PeopleIndex, search: SavedSearch) -> list[tuple[str, str]]:
    """Return ids of people and images: everybody for whom facts hold, or the best hits of words."""
    if is_judged(search.text):
        question = Question(search.text, where=search.where, top=MOST_ORDERED, weak=search.weak, apart=True)
        return [(hit.person_id, hit.image_id) for hit in searcher.ask(question).hits]
    people = AnsweredPeople(index, facts_of(search.text, search.where))
    read = list[pa.Table]()
    for rows in people.read(["captured_at", "person_id", "image_id"]):
        read.append(rows)
        if sum(map(len, read)) > MOST_SEEN:
            break
    if not read:
        return []
    newest = pa.concat_tables(read).sort_by([(name, "descending") for name in read[0].column_names])
    return list(zip(newest["person_id"].to_pylist(), newest["image_id"].to_pylist(), strict=True))


def _delivered(searcher: Searcher, search: SavedSearch) -> SavedSearch:
    """Send what is pending, oldest first, and write the file; what fails is recorded."""
    store, index = searcher.store, searcher.index()
    for one in search.pending[:_SENT_A_RUN] if search.webhook is not None else ():
        try:
            send(search, one, index)
        except DeliveryError as error:
            search = replace(search, trouble=str(error))
            save_search(store, search)
            break
        news = tuple(replace(other, delivered=True) if other == one else other for other in search.news)
        search = replace(search, news=news)
        save_search(store, search)
    if search.json_file is not None:
        try:
            write_news(Path(search.json_file), search, index)
        except OSError as error:
            said = f"its JSON file cannot be written: {error.strerror}"
            search = replace(search, trouble="; ".join(part for part in (search.trouble, said) if part))
            save_search(store, search)
    return search


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
