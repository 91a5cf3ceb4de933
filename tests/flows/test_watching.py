"""``par watch``: what arrives is indexed once it is finished, and nothing is lost by errors, restarts or
kills.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.watching import Watch
from par_core.archive.arrivals import Arrivals
from par_core.errors import BadConfigError, StoreError
from tests.indexing import content, index
from tests.pictures import save, scene
from tests.waiting import wait_until


class World:
    """A folder, a clock, and an index that remembers what was finished when it was called."""

    def __init__(self, folder: Path, stop_after: int = 40) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.now, self.looks = folder, 0.0, 0
        self.batches: list[set[str]] = []
        self.failures: list[Exception] = []
        self.failed: dict[str, int] = {}
        self.at: dict[int, Callable[[], Any]] = {}
        self.stop_after = stop_after
        self.watch = Watch(Arrivals(folder, 5.0, False, self.clock), self.index, 1.0, self.clock, self.sleep)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.looks += 1
        for moment in [moment for moment in self.at if moment <= self.now]:
            self.at.pop(moment)()
        if self.now >= self.stop_after:
            raise KeyboardInterrupt

    def index(self, is_finished: Callable[[Any], bool]) -> Any:
        self.batches.append({Path(path).name for path in self.watch.arrivals.finished()})
        if self.failures:
            raise self.failures.pop(0)
        plan = SimpleNamespace(new=len(self.batches[-1]), vanished=0)
        commit = SimpleNamespace(rows=0)
        return SimpleNamespace(
            plan=plan,
            sentence="counted",
            commit=commit,
            accounting=SimpleNamespace(failures=self.failed),
            failed_shards={},
            seconds=0.5,
            exit_code=0,
        )

    def run(self) -> list[set[str]]:
        with pytest.raises(KeyboardInterrupt):
            self.watch.forever()
        return self.batches

    def write(self, name: str, text: str = "x") -> None:
        (self.folder / name).write_text(text)


def test_files_that_come_together_are_one_batch_and_a_quiet_folder_is_not_indexed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path / "in")
    world.at = {
        3: lambda: world.write("a.jpg"),
        6: lambda: world.write("b.jpg"),
        9: lambda: world.write("b.jpg", "xy"),
        25: (world.folder / "a.jpg").unlink,
    }
    assert world.run() == [{"a.jpg", "b.jpg"}, {"b.jpg"}]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"par: \d\d:\d\d:\d\d 2 new or changed: counted; 0\.5 s", lines[0])


def test_what_never_ends_to_arrive_is_indexed_as_far_as_it_is_finished(tmp_path: Path) -> None:
    world = World(tmp_path / "in", 100)
    world.write("done.jpg")
    world.at = {t: lambda t=t: world.write(f"{t}.jpg") for t in range(1, 99, 3)}  # type: ignore[misc]
    (first, *_) = world.run()
    assert "done.jpg" in first
    assert 10 < len(first) < 25


def test_a_batch_that_fails_is_tried_again_and_the_pauses_grow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path / "in", 60)
    world.write("a.jpg")
    world.failures = [StoreError("another par command is writing"), RuntimeError("no space"), OSError("io")]
    assert world.run() == [{"a.jpg"}] * 4
    said = capsys.readouterr().err
    assert "tried again in 5 seconds: another par command is writing" in said
    assert "tried again in 20 seconds: io" in said
    assert said.count("counted") == 1


def test_a_wrong_setting_ends_the_watch_at_once(tmp_path: Path) -> None:
    world = World(tmp_path / "in")
    world.write("a.jpg")
    world.failures = [BadConfigError("no such model")]
    with pytest.raises(BadConfigError):
        world.watch.forever()


def test_a_folder_that_is_away_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path / "in")
    world.write("a.jpg")
    world.at = {
        10: lambda: world.folder.rename(tmp_path / "away"),
        20: lambda: (tmp_path / "away").rename(world.folder),
    }
    assert world.run() == [{"a.jpg"}]
    said = capsys.readouterr().err
    assert said.count("cannot be listed at this moment: No such file or directory") == 1
    assert said.count("can be listed again") == 1


def test_what_may_hold_pictures_and_is_not_read_is_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path / "in")
    for name in ("night.zip", "notes.txt", "film.psd"):
        world.write(name)
    world.at = {9: lambda: world.write("day.zip"), 10: lambda: world.write("a.jpg")}
    assert world.run() == [{"a.jpg"}], "nothing of it begins a batch"
    passed = [line for line in capsys.readouterr().err.splitlines() if "passed over" in line]
    assert passed == [
        "par: warning: passed over: 1 archives (read with --containers, or named as sources, such as"
        " FOLDER/*.tar); 1 .psd: pictures in formats that are not read"
    ]


def command(folder: Path | str, store: Path, *more: str) -> list[str]:
    typed = ["watch", str(folder), "--store", str(store), "--profile", "fake"]
    return [sys.executable, "-m", "flows.cli.main", *typed, "--quiet-for", "0.5", "--every", "0.2", *more]


@contextmanager
def watching(folder: Path, store: Path, env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(command(folder, store), stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def until(process: "subprocess.Popen[str]", wanted: str) -> str:
    assert process.stderr
    for line in process.stderr:
        if wanted in line:
            return line
    raise AssertionError(f"it ended before it said {wanted!r}")


@pytest.mark.timeout(290)
def test_kills_lose_nothing_and_a_slow_upload_is_read_whole(
    tmp_path: Path, prefect_environment: dict[str, str]
) -> None:
    folder, store, env = tmp_path / "in", tmp_path / "store", prefect_environment
    save(folder / "0.png", scene("red"))
    save(tmp_path / "source.png", scene("green", "blue", seed=7))
    whole = (tmp_path / "source.png").read_bytes()
    with watching(folder, store, env) as process:
        wait_until(lambda: any((store / "segment").glob("*/*")) if (store / "segment").is_dir() else False)
        process.kill()  # while its first batch is at work, or just committed
    save(folder / "1.png", scene("yellow", seed=1))
    with watching(folder, store, env) as process:
        until(process, "watching")
        save(folder / "2.png", scene("cyan", seed=2))
        process.kill()  # before it has looked, or been quiet for long enough
    with watching(folder, store, env) as process:

        def upload() -> None:
            with (folder / "slow.png").open("wb") as file:
                for start in range(0, len(whole), max(1, len(whole) // 8)):
                    file.write(whole[start : start + max(1, len(whole) // 8)])
                    file.flush()
                    time.sleep(0.25)

        slow = threading.Thread(target=upload)
        slow.start()
        while "5 people in the index" not in until(process, "new or changed"):
            pass
        slow.join()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr
        assert "stopped" in process.stderr.read()
    index(tmp_path / "alone", [folder])
    assert content(store) == content(tmp_path / "alone")


def test_once_indexes_what_is_there_tells_saved_searches_and_ends(
    tmp_path: Path, prefect_environment: dict[str, str]
) -> None:
    folder, store = tmp_path / "in", tmp_path / "store"
    save(folder / "0.png", scene("red"))
    index(store, [folder])
    main = [sys.executable, "-m", "flows.cli.main"]
    added = [*main, "searches", "add", "red", "upper:red", "--store", str(store), "--profile", "fake"]
    subprocess.run(added, check=True, env=prefect_environment, capture_output=True)
    save(folder / "1.png", scene("red", seed=3))
    (folder / "broken.jpg").write_bytes(b"no picture")
    done = subprocess.run(
        command(folder, store, "--once"),
        capture_output=True,
        text=True,
        env=prefect_environment,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr  # a file failed, as par index ends
    lines = done.stderr.splitlines()
    assert lines[0] == "par: saved search red: 1 new of 2 people"
    assert "2 new or changed: 3 files listed = 2 indexed + 0 without people + 1 failed" in lines[1]
    assert "; failed: 1 damaged (par status --failed lists them)" in lines[1]
    assert len(lines) == 2
    assert len(content(store)) == 2


def test_what_cannot_be_watched_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    for folder, said in (
        ("s3://bucket/x", "is a URL"),
        (str(tmp_path / "none"), "there is no folder"),
        (str(tmp_path / "a.zip"), "a.zip is a file, and par watch takes a folder"),
    ):
        done = subprocess.run(
            command(folder, tmp_path / "s"),
            capture_output=True,
            text=True,
            env={**os.environ},
            check=False,
        )
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "s").exists()
