"""Files and folders that are complete or absent, and what a killed process leaves of them."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from par_core.access.files import write_private
from par_core.atomic import (
    ABANDONED_S,
    folder_aside,
    partial_name,
    remove_partials,
    write_aside,
    write_atomic,
)
from par_core.store.layout import Store
from par_core.training.checkpoints import save_checkpoint


def write_folder(path: Path) -> None:
    with folder_aside(path) as folder:
        (folder / "part").write_bytes(b"x")


def write_download(path: Path) -> None:
    with write_aside(path) as partial:
        torch.hub.download_url_to_file(f"file://{__file__}", str(partial), progress=False)


Killed = Callable[[Callable[[], None]], None]

WRITERS: dict[str, Callable[[Path], None]] = {
    "file": lambda path: write_atomic(path, b"x"),
    "private": lambda path: write_private(path, b"x"),
    "checkpoint": lambda path: save_checkpoint(path, {"step": 1}),
    "folder": write_folder,
    "download": write_download,
}


class KilledError(BaseException):
    pass


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Killed:
    """Carries out a writer that leaves what a killed one leaves: nothing is renamed or tidied up."""

    def carry_out(write: Callable[[], None]) -> None:
        def stop(*_: object, **__: object) -> None:
            raise KilledError

        with monkeypatch.context() as patch:
            for name in ("replace", "rename", "unlink"):
                patch.setattr(Path, name, stop)
            patch.setattr("shutil.move", stop)
            patch.setattr("shutil.rmtree", lambda *_, **__: None)
            patch.setattr(os, "remove", lambda *_: None)
            with pytest.raises(KilledError):
                write()

    return carry_out


@pytest.mark.parametrize("kind", WRITERS)
def test_what_a_killed_writer_leaves_is_found_and_no_more(kind: str, tmp_path: Path, killed: Killed) -> None:
    killed(lambda: WRITERS[kind](tmp_path / "target.bin"))
    left = {path.name for path in tmp_path.iterdir()}
    assert left
    (tmp_path / ".mine.partial").write_bytes(b"not named by PAR")
    remove_partials(tmp_path, of="target")
    remove_partials(tmp_path, idle_s=ABANDONED_S)
    assert {path.name for path in tmp_path.iterdir()} == left | {".mine.partial"}
    remove_partials(tmp_path, of="target.bin")
    assert [path.name for path in tmp_path.iterdir()] == [".mine.partial"]
    WRITERS[kind](tmp_path / "target.bin")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.partial", "target.bin"]


def test_what_did_not_change_for_long_counts_as_left(tmp_path: Path) -> None:
    file, folder = partial_name(tmp_path / "file"), partial_name(tmp_path / "folder")
    file.write_bytes(b"x")
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "part").write_bytes(b"x")
    long_ago = time.time() - 100
    for path in (file, folder, folder / "deep"):
        os.utime(path, (long_ago, long_ago))
    remove_partials(tmp_path, idle_s=50.0)
    assert list(tmp_path.iterdir()) == [folder], "a file in it has just been written"
    os.utime(folder / "deep" / "part", (long_ago, long_ago))
    remove_partials(tmp_path, idle_s=50.0)
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_old_file_and_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    write_folder(tmp_path / "folder")
    with pytest.raises(ZeroDivisionError), write_aside(tmp_path / "file") as partial:
        partial.write_bytes(b"new" * (1 // 0))
    with pytest.raises(ZeroDivisionError), folder_aside(tmp_path / "folder"):
        1 / 0  # noqa: B018
    assert (tmp_path / "file").read_bytes() == b"old"
    assert (tmp_path / "folder" / "part").read_bytes() == b"x"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_private_file_is_its_owners_alone_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    write_bytes = Path.write_bytes

    def watched(path: Path, content: bytes) -> int:
        seen.append(stat.S_IMODE(path.stat().st_mode))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", watched)
    write_private(tmp_path / "access" / "tokens.json", b"secret")
    assert seen == [0o600]
    assert stat.S_IMODE((tmp_path / "access" / "tokens.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "access").stat().st_mode) == 0o700


def test_a_store_is_cleaned_in_every_folder_but_not_of_what_is_being_written(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    folders = ["", "listings", "work", "commits", "certificates", "reviews", "access/audit", "segment/a/b"]
    old, new = ([store.root / folder / f".f.{digit * 16}.partial" for folder in folders] for digit in "01")
    for path in (*old, *new):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for path in old:
        os.utime(path, (time.time() - 100, time.time() - 100))
    store.remove_partials()
    left = {path for path in (*old, *new) if path.exists()}
    assert {path.relative_to(store.root).parts[0] for path in left} == {"reviews", "access", "segment"}
    assert left & set(old) == {store.root / "segment/a/b" / f".f.{'0' * 16}.partial"}
    store.remove_partials(of_shards=True)
    assert {path.relative_to(store.root).parts[0] for path in new if path.exists()} == {"reviews", "access"}
