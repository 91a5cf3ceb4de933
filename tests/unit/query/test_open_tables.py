"""A searcher keeps the table open between questions, and sees every new version all the same."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest

from par_core.query.from_store import Question, Searcher
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import FAKE, index, live_by_a_gate
from tests.pictures import archive, save, scene

EVERYBODY = Question(where="height_px > 0", top=50)


@pytest.fixture
def searcher(tmp_path: Path) -> Searcher:
    index(tmp_path / "store", [archive(tmp_path / "photos", [["red"], ["blue"]])])
    return Searcher(tmp_path / "store", FAKE)


def test_the_table_stays_open_until_another_version_is_written(searcher: Searcher, tmp_path: Path) -> None:
    # a table that was just written to is opened again, in case that it is written to once more at the same
    # moment
    sleep(0.15)
    assert len(searcher.ask(EVERYBODY).hits) == 2
    opened = searcher.index()
    searcher.ask(EVERYBODY)
    assert searcher.index() is opened
    save(tmp_path / "photos" / "new.png", scene("green", "yellow", seed=9))
    index(tmp_path / "store", [tmp_path / "photos"])
    assert len(searcher.ask(EVERYBODY).hits) == 4


def test_the_version_that_goes_live_is_read_from_then_on(searcher: Searcher, tmp_path: Path) -> None:
    path = Store.open(tmp_path / "store").index_path
    live_by_a_gate(tmp_path / "store")
    assert len(searcher.ask(EVERYBODY).hits) == 2
    save(tmp_path / "photos" / "new.png", scene("green", seed=9))
    index(tmp_path / "store", [tmp_path / "photos"])
    assert len(searcher.ask(EVERYBODY).hits) == 2
    second = PeopleIndex.open(path)
    assert second is not None
    second.history.make_live()
    assert len(searcher.ask(EVERYBODY).hits) == 3


def test_threads_share_a_searcher_while_the_archive_grows(searcher: Searcher, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(searcher.ask, EVERYBODY) for _ in range(20)]
        save(tmp_path / "photos" / "new.png", scene("green", seed=9))
        index(tmp_path / "store", [tmp_path / "photos"])
        answers += [pool.submit(searcher.ask, EVERYBODY) for _ in range(20)]
        assert {len(answer.result().hits) for answer in answers} <= {2, 3}
    assert len(searcher.ask(EVERYBODY).hits) == 3
