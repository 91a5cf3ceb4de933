"""The progress of a run under way, as other processes read it."""

import os
import time
from pathlib import Path

import pytest

from par_core.store import run_progress as module
from par_core.store.layout import Store
from par_core.store.run_progress import RunProgress, progress_file, read_progress
from tests.waiting import wait_until


def at(done: int) -> RunProgress:
    return RunProgress(1.5e9, 10, 100, done, 10 * done, 1, 10, 12.5)


def wait_for(store: Store, done: int) -> None:
    wait_until(lambda: read_progress(store) == at(done))


def test_others_see_the_newest_progress_until_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WRITE_EVERY_S", 0.02)
    store, done = Store.create(tmp_path / "s"), [2]
    assert read_progress(store) is None
    with store.exclusive():
        with progress_file(store, lambda: at(done[0])):
            wait_for(store, 2)
            done[0] = 7
            wait_for(store, 7)
        assert read_progress(store) is None
        with pytest.raises(ZeroDivisionError), progress_file(store, lambda: at(1)):
            raise ZeroDivisionError
        assert not list((store.root / "work").iterdir())


def test_what_a_killed_run_left_is_not_shown(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    with store.exclusive(), progress_file(store, lambda: at(3)):
        wait_for(store, 3)
        kept = (store.root / "work" / "progress.json").read_bytes()
    left = store.root / "work" / "progress.json"
    left.write_bytes(kept)
    assert read_progress(store) is None, "nobody holds the store"
    with store.exclusive():
        assert read_progress(store) == at(3)
        long_ago = time.time() - 3600
        os.utime(left, (long_ago, long_ago))
        assert read_progress(store) is None, "another command holds it"
