"""Searches that go on through every kind of writing see whole indexes only."""

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from par_core.config import load_config
from par_core.errors import IndexChangedError
from par_core.forget import Request, find_subject, forget
from par_core.query import from_store
from par_core.query.answer import SearchResult
from par_core.query.from_store import Question, Searcher
from par_core.stages import reconcile
from par_core.stages.commit import rebuild_index
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import FAKE, content, index, live_by_a_gate
from tests.pictures import archive, save, scene

OTHER = load_config(profile="fake", describe={"cutout": {"margin": 0.2}})
EVERYBODY = Question(where="height_px > 0", top=1000)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", [("red", "cyan"), ("green", "blue"), ("yellow",), ("magenta",)] * 3)


@pytest.fixture
def root(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("_ROWS_PER_WRITE", "_ROWS_OF_A_NEW_TABLE"):  # many versions in one commit
        monkeypatch.setattr(reconcile, name, 1)
    index(tmp_path / "store", [photos], load_config(profile="fake", machine={"shard_size": 16}))
    return tmp_path / "store"


@contextlib.contextmanager
def searching(root: Path) -> Iterator[set[frozenset[str]]]:
    """Search in a thread all the while; yields the sets of people that were found."""
    seen: set[frozenset[str]] = set()
    searcher, over, begun, errors = Searcher(root, FAKE), threading.Event(), threading.Event(), []

    def search() -> None:
        try:
            while not over.is_set():
                seen.add(found(searcher))
                begun.set()
        except BaseException as error:
            errors.append(error)
            begun.set()
            raise

    thread = threading.Thread(target=search)
    thread.start()
    begun.wait(30)
    try:
        yield seen
    finally:
        over.set()
        thread.join()
    seen.add(people(root))
    assert errors == []


def found(searcher: Searcher) -> frozenset[str]:
    hits = searcher.ask(EVERYBODY).hits
    return frozenset(person.person_id for hit in hits for person in (hit, *hit.similar))


def people(root: Path, version: str = "live") -> frozenset[str]:
    """Who is found while nothing is written; people whose file has vanished are not."""
    return found(Searcher(root, FAKE, version))


def assert_whole(seen: set[frozenset[str]], before: frozenset[str], after: frozenset[str]) -> None:
    """Each search found the old people, less those whose file is known to be gone, or the new ones."""
    assert after in seen
    assert before & after
    for one in seen - {after}:
        assert before & after <= one <= before


def change(photos: Path) -> None:
    for number in range(0, 12, 2):
        save(photos / f"{number:04d}.png", scene("magenta", "red", "blue", seed=100 + number))
    save(photos / "new.png", scene("cyan", seed=200))
    (photos / "0001.png").unlink()


def test_a_commit_of_many_changes_is_seen_as_a_whole(root: Path, photos: Path) -> None:
    change(photos)
    before = people(root)
    with searching(root) as seen:
        index(root, [photos])
    assert_whole(seen, before, people(root))


def test_a_store_without_a_live_version_is_read_as_it_was(root: Path, photos: Path) -> None:
    """As version 0.1 leaves it."""
    index_of(root).history._table.tags.delete("live")
    change(photos)
    before = people(root)
    with searching(root) as seen:
        index(root, [photos])
    assert_whole(seen, before, people(root))


def test_a_rebuild_is_not_seen(root: Path) -> None:
    before = people(root)
    with searching(root) as seen:
        rebuild_index(Store.open(root))
    assert seen == {before}


def test_a_change_of_the_description_is_seen_as_a_whole(root: Path, photos: Path) -> None:
    before = people(root)
    with searching(root) as seen:
        index(root, [photos], OTHER)
    assert seen == {before}
    assert index_of(root, "live").version == index_of(root).version


def test_a_forgetting_takes_away_those_who_are_forgotten_alone(root: Path) -> None:
    before = people(root)
    image = content(root)[0]["image_id"]
    with searching(root) as seen:
        store = Store.open(root)
        with store.exclusive():
            forget(store, find_subject(store, Request("image", (image,))))
    assert seen == {before, people(root)}


def forget_somebody(root: Path) -> None:
    store, image = Store.open(root), content(root)[0]["image_id"]
    with store.exclusive():
        forget(store, find_subject(store, Request("image", (image,))))


def test_a_reading_of_a_version_that_is_erased_ends_with_a_clear_error(root: Path) -> None:
    opened = index_of(root, "live")
    forget_somebody(root)
    for read in (
        lambda: opened.search(None, where="height_px > 0", top=50),
        lambda: list(opened.scan(["person_id", "vector"])),
        lambda: opened.sample(3, ["person_id", "vector"]),
        lambda: opened.rows([row["person_id"] for row in content(root)]),
    ):
        with pytest.raises(IndexChangedError, match="rewritten while it was read"):
            read()


def test_a_question_goes_on_with_the_newest_version_if_its_own_is_erased(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher, answer, before = Searcher(root, FAKE), from_store._answer, people(root)

    def forgetting_first(*arguments: Any) -> SearchResult:
        monkeypatch.setattr(from_store, "_answer", answer)
        forget_somebody(root)
        return answer(*arguments)

    monkeypatch.setattr(from_store, "_answer", forgetting_first)
    assert found(searcher) == people(root)
    assert people(root) < before


def test_a_gate_alone_moves_what_is_read(root: Path, photos: Path) -> None:
    live_by_a_gate(root)
    change(photos)
    before = people(root)
    with searching(root) as seen:
        index(root, [photos])
        rebuild_index(Store.open(root))
        index(root, [photos], OTHER)
        index(root, [photos])
        after = people(root, "latest")
        assert after not in seen
        live_by_a_gate(root)
    assert_whole(seen, before, after)


def test_without_a_live_version_a_gate_that_has_not_passed_leaves_the_newest_to_read(
    tmp_path: Path, photos: Path
) -> None:
    """There is nothing older to read, and the commits do not make one live."""
    root = tmp_path / "gated"
    store = Store.create(root)
    (root / "gate.json").write_text("{}")
    index(root, [photos])
    shutil.copy(photos / "0001.png", photos / "copy.png")
    index(root, [photos])
    assert index_of(root).history.live_version is None
    assert index_of(root, "live").version == index_of(root).version
    assert Searcher(store.root, FAKE).ask(EVERYBODY).hits


def index_of(root: Path, version: str = "latest") -> PeopleIndex:
    found = PeopleIndex.open(root / "index.lance", version)
    assert found is not None
    return found
