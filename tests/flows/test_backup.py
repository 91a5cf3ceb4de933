"""A restored store verifies: what docs/operations.md says of backups, with the commands that it names."""

import shutil
import subprocess
from pathlib import Path

import pytest

from par_core.errors import StoreError
from par_core.stages.check import verify_store
from par_core.stages.commit import rebuild_index
from par_core.store.layout import Store
from tests.indexing import content, index
from tests.pictures import archive

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
GROUPS = [("red",), ("green", "blue"), (), ("yellow",)]
LEFT_OUT = ("index.lance", "ledger", "status.json", "work")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    photos = archive(tmp_path / "photos", GROUPS)
    (photos / "letter.png").write_bytes(b"no picture")
    index(tmp_path / "s", [photos])
    return Store.open(tmp_path / "s")


def locked(store: Store, *command: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["flock", "--nonblock", str(store.root / "run.lock"), *map(str, command)], check=False
    )


def test_the_page_names_what_this_file_does() -> None:
    assert "flock --nonblock /srv/par/store/run.lock cp --archive" in PAGE
    assert all(f"--exclude=/{name}" in PAGE for name in LEFT_OUT)


def test_a_whole_copy_verifies_at_another_place_and_goes_on(store: Store, tmp_path: Path) -> None:
    with store.exclusive():
        pass  # makes run.lock, as every run does
    copy = tmp_path / "restored" / "deeper"
    copy.parent.mkdir()
    assert locked(store, "cp", "--archive", store.root, copy).returncode == 0
    shutil.rmtree(store.root)
    restored = Store.open(copy)
    assert verify_store(restored, thorough=True).problems == ()
    assert len(content(copy)) == 4
    plan, _ = index(copy, [tmp_path / "photos"])
    assert (plan.new, plan.unchanged) == (0, 5)


def test_a_copy_without_what_is_derived_verifies_once_it_is_rebuilt(store: Store, tmp_path: Path) -> None:
    before = content(store.root)
    copy = tmp_path / "restored"
    shutil.copytree(store.root, copy, ignore=lambda folder, _: LEFT_OUT if folder == str(store.root) else ())
    assert not any((copy / name).exists() for name in LEFT_OUT)
    shutil.rmtree(store.root)
    restored = Store.open(copy)
    rebuild_index(restored)
    assert verify_store(restored, thorough=True).problems == ()
    assert content(copy) == before
    plan, _ = index(copy, [tmp_path / "photos"])
    assert (plan.new, plan.unchanged) == (0, 5)


def test_a_copy_that_lost_a_file_is_found(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "restored"
    shutil.copytree(store.root, copy)
    next((copy / "segment").rglob("people.parquet")).unlink()
    assert verify_store(Store.open(copy), thorough=True).problems != ()


def test_a_backup_and_a_run_keep_each_other_out(store: Store, tmp_path: Path) -> None:
    with store.exclusive():
        assert locked(store, "cp", "--archive", store.root, tmp_path / "copy").returncode == 1
    assert not (tmp_path / "copy").exists()
    with subprocess.Popen(
        ["flock", "--nonblock", str(store.root / "run.lock"), "sh", "-c", "echo held; cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as backup:
        assert backup.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="another par command"), store.exclusive():
            pass
        backup.stdin.close()
    with store.exclusive():
        pass
