"""Files that workers elsewhere wrote into objects, and that a writer adopts: until its commit nobody else
sees them, afterwards they are files like any other, and whatever ends the writer in between damages nothing.
"""

from pathlib import Path

import pytest

from par_core.errors import StoreError
from par_core.object_store import holding
from par_core.object_store.catalogue import Part
from par_core.object_store.client import Objects
from par_core.object_store.holding import Holding
from par_core.object_store.memory import MemoryObjects
from par_core.object_store.sharing import shared
from par_core.object_store.transfer import upload
from par_core.object_store.working_copy import WorkingCopy
from tests.object_stores import KilledError, Mortal, copy_at, write_files
from tests.unit.object_store.test_working_copy import FIRST, after, committed, quiet, seen_by

__all__ = ["quiet"]

ANSWER: dict[str, bytes | None] = {
    "segment/c/s9/images.parquet": b"i9",
    "segment/c/s9/people.parquet": b"p9",
    "segment/c/s9/manifest.json": b"m9",
}
GROUP = "segment/c/s9"


def sent(folder: Path, objects: Objects, files: dict[str, bytes | None] = ANSWER) -> dict[str, list[Part]]:
    """What a worker elsewhere writes."""
    write_files(folder, files)
    uploaded = upload(objects, folder, list(files), {}, 1)
    return {path: parts for path, (parts, _) in uploaded.items()}


@pytest.mark.parametrize("fetched", [True, False])
def test_the_next_commit_names_what_was_adopted(objects: Objects, tmp_path: Path, fetched: bool) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)
    with writer.writing():
        writer.ensure(GROUP)  # nothing is there yet
        writer.adopt(sent(tmp_path / "worker", objects))
        assert seen_by(tmp_path / "b", objects) == after(FIRST)
        assert not (writer.root / GROUP).exists()
        if fetched:
            writer.ensure(GROUP)
            assert (writer.root / GROUP / "people.parquet").read_bytes() == b"p9"
    assert seen_by(tmp_path / "b", objects) == after(FIRST, ANSWER)
    assert len(list(objects.listed("files/"))) == len(after(FIRST, ANSWER))
    assert writer.state.adopted() == {}
    with writer.writing():
        assert not writer.commit(), "nothing is left to commit"


def test_what_is_changed_after_it_was_adopted_leaves_no_object_behind(
    objects: Objects, tmp_path: Path
) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)
    changes: dict[str, bytes | None] = {
        "segment/c/s9/manifest.json": b"m9, labelled again",
        "segment/c/s9/people.parquet": None,
    }
    with writer.writing():
        writer.adopt(sent(tmp_path / "worker", objects))
        writer.ensure(GROUP)
        write_files(writer.root, changes)
    expected = after(FIRST, ANSWER, changes)
    assert seen_by(tmp_path / "b", objects) == expected
    assert len(list(objects.listed("files/"))) == len(expected)


def test_a_worker_may_replace_a_file_of_the_version(objects: Objects, tmp_path: Path) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)
    newer: dict[str, bytes | None] = {"segment/c/s1/manifest.json": b"m1, labelled again"}
    with writer.writing():
        writer.ensure("segment/c/s1")
        writer.adopt(sent(tmp_path / "worker", objects, newer))
        writer.ensure("segment/c/s1")
        assert (writer.root / "segment/c/s1/manifest.json").read_bytes() == b"m1, labelled again"
    assert seen_by(tmp_path / "b", objects) == after(FIRST, newer)
    assert len(list(objects.listed("files/"))) == len(after(FIRST))


@pytest.mark.parametrize("fetched", [True, False])
def test_a_killed_writer_goes_on_with_what_it_has_adopted(tmp_path: Path, quiet: None, fetched: bool) -> None:
    """Killed at every request of its commit: on the same host the next command commits it; on another host
    it counts as never written, and its objects are deleted.
    """
    ends = 0
    for at in range(1, 100):
        objects = MemoryObjects(f"memory://adopted-{fetched}-{at}")
        folder = tmp_path / f"{at}"
        committed(copy_at(folder / "a", objects.url, objects, writing=True), FIRST)
        mortal = Mortal(objects, at, after=bool(at % 2))
        try:
            writer = copy_at(folder / "a", objects.url, mortal, writing=True)
            with writer.writing():
                writer.adopt(sent(folder / "worker", objects))
                if fetched:
                    writer.ensure(GROUP)
        except KilledError:
            pass
        else:
            ends += 1
        known = seen_by(folder / "b", objects)
        assert known in (after(FIRST), after(FIRST, ANSWER))
        other = at % 4 < 2
        taken = {path for path in ANSWER if path in known}
        adopted = writer.state.adopted()
        if other:
            committed(copy_at(folder / "c", objects.url, objects, writing=True), {"gate.json": b"g"})
        committed(copy_at(folder / "a", objects.url, objects, writing=True), {"gate.json": b"g"})
        now = seen_by(folder / "b", objects)
        whole = bool(taken) or (bool(adopted) and not other)
        assert now == after(FIRST, ANSWER if whole else {}, {"gate.json": b"g"})
        if ends:
            break
        assert len(list(objects.listed("files/"))) == len(now), "a dead writer's objects are gone"
    assert at > 8


def test_another_host_that_took_the_store_without_a_commit_ends_what_was_adopted(
    tmp_path: Path, quiet: None
) -> None:
    objects = MemoryObjects("memory://taken-without-commit")
    first = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(first, FIRST)
    held = Holding(objects, first.identity, 0.0)
    first._holding = held
    first._begin(held)
    first.adopt(sent(tmp_path / "worker", objects))
    first.ensure(GROUP)
    first._holding = None  # killed
    with copy_at(tmp_path / "b", objects.url, objects, writing=True).writing():
        pass
    assert len(list(objects.listed("files/"))) == len(after(FIRST)), "the other has found its objects"
    again = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(again, {"gate.json": b"g"})
    assert not (again.root / GROUP).exists()
    assert seen_by(tmp_path / "c", objects) == after(FIRST, {"gate.json": b"g"})


def test_files_are_shared_before_a_commit_and_once(objects: Objects, tmp_path: Path) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)
    halves: dict[str, bytes | None] = {"segment/c/s3/manifest.json": b"m3", "forgotten.json": b"[]"}
    with writer.writing():
        write_files(writer.root, halves)
        first = shared(writer, ["forgotten.json", "ids.json"], ["segment/c/s3", "segment/c/s1"])
        assert sorted(first) == [
            "forgotten.json",
            "segment/c/s1/images.parquet",
            "segment/c/s1/manifest.json",
            "segment/c/s3/manifest.json",
        ]
        assert shared(writer, ["forgotten.json"], ["segment/c/s3"]).items() <= first.items()
        (writer.root / "segment/c/s3/manifest.json").unlink()
        assert shared(writer, groups=["segment/c/s3"]) == {}
    assert seen_by(tmp_path / "b", objects) == after(FIRST, {"forgotten.json": b"[]"})
    assert len(list(objects.listed("files/"))) == len(after(FIRST)) + 1


def test_only_a_writer_that_holds_the_store_adopts(objects: Objects, tmp_path: Path) -> None:
    writer: WorkingCopy = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)
    with pytest.raises(StoreError, match="nobody holds"):
        writer.adopt(sent(tmp_path / "worker", objects))
    assert holding.LEASE_S > 0
