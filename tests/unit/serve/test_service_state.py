"""What the service says of a store that is empty, or that a run is writing."""

import fcntl
import gc
import shutil
import threading
from pathlib import Path

import pytest

from par_core.errors import StoreError
from par_core.query.answer import SearchResult
from par_core.query.from_store import Question
from par_core.serve.problems import NotReadyError
from par_core.serve.service import ArchiveService
from par_core.store.layout import Store
from tests.indexing import FAKE, index


def test_a_store_without_people_is_not_ready_and_says_how_to_fill_it(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    index(tmp_path / "store", [tmp_path / "nothing"])
    service = ArchiveService(tmp_path / "store", FAKE)
    for ask in (
        lambda: service.search("red"),
        service.facets,
        service.versions,
        lambda: service.person("ab"),
        lambda: service.image("ab"),
    ):
        with pytest.raises(NotReadyError, match="par index SOURCE"):
            ask()
    assert service.status().report.rows == 0
    with Store.open(tmp_path / "store").exclusive(), pytest.raises(NotReadyError, match="being written"):
        service.search("red")


def test_no_question_waits_for_a_search_for_garbage_among_all_that_is_loaded(own: Path) -> None:
    gc.unfreeze()
    loaded = len(gc.get_objects())
    ArchiveService(own / "store", FAKE).warm()
    assert len(gc.get_objects()) < loaded / 10


def test_an_index_that_is_emptied_while_it_is_asked_is_not_a_wrong_question(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ArchiveService(own / "store", FAKE)
    ask = service._searcher.ask

    def emptied_first(question: Question) -> SearchResult:
        shutil.rmtree(service.store.index_path)
        return ask(question)

    monkeypatch.setattr(service._searcher, "ask", emptied_first)
    with pytest.raises(NotReadyError):
        service.search("red")


def test_looking_whether_a_run_is_under_way_stops_no_run(own: Path) -> None:
    store, done = Store.open(own / "store"), threading.Event()

    def look() -> None:
        while not done.is_set():
            store.is_held()

    looking = [threading.Thread(target=look) for _ in range(2)]
    for thread in looking:
        thread.start()
    try:
        for _ in range(200):
            with store.exclusive():
                pass
    finally:
        done.set()
        for thread in looking:
            thread.join()


def test_a_run_waits_for_a_look_and_not_for_another_run(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, waited = Store.open(own / "store"), list[float]()
    look = (own / "store" / "run.lock").open("w")
    fcntl.flock(look, fcntl.LOCK_SH)

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 4:
            look.close()

    monkeypatch.setattr("par_core.store.run_lock.time.sleep", wait)
    with store.exclusive():
        assert len(waited) == 4
        waited.clear()
        with pytest.raises(StoreError, match="another par command is writing"), store.exclusive():
            pass
    assert 0.05 < sum(waited) < 1


def test_a_run_under_way_shows_in_the_status(own: Path) -> None:
    service = ArchiveService(own / "store", FAKE)
    assert not service.status().running
    with Store.open(own / "store").exclusive():
        assert service.status().running
    status = service.status()
    assert not status.running
    assert [run.record.number for run in status.runs] == [1]
    assert status.report.rows == 7
