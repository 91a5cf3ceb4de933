"""Working copies: what readers see, what a killed or cut off writer leaves, and what is deleted."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faulty_proxy import FaultyProxy, Kind
from par_core.errors import StoreError, TransientError
from par_core.object_store import followed_copy, holding, transfer, working_copy
from par_core.object_store.client import Objects
from par_core.object_store.head import HeadFile
from par_core.object_store.holding import Holding, LeaseLostError
from par_core.object_store.memory import MemoryObjects
from par_core.object_store.s3 import S3Objects
from par_core.object_store.working_copy import WorkingCopy
from tests.object_stores import KilledError, Mortal, copy_at, files_of, write_files

FIRST: dict[str, bytes | None] = {
    "store.json": b"{}",
    "status.json": b"1",
    "segment/c/s1/images.parquet": b"i1",
    "segment/c/s1/manifest.json": b"m1",
    "segment/c/s2/images.parquet": b"i2",
    "segment/c/s2/manifest.json": b"m2",
    "ledger/c.db": b"ledger" * 1000,
    "index.lance/people.lance/data/a.lance": b"rows",
    "index.lance/people.lance/_versions/1.manifest": b"v1",
}
SECOND: dict[str, bytes | None] = {
    "status.json": b"2",
    "segment/c/s1/images.parquet": None,
    "segment/c/s1/manifest.json": None,
    "segment/c/s3/images.parquet": b"i3",
    "segment/c/s3/manifest.json": b"m3",
    "ledger/c.db": b"ledger" * 1000 + b"more",
    "index.lance/people.lance/data/b.lance": b"more rows",
    "index.lance/people.lance/_versions/2.manifest": b"v2",
}


def after(*steps: dict[str, bytes | None]) -> dict[str, bytes]:
    """Return the files that a store holds after some steps."""
    files = {name: content for step in steps for name, content in step.items()}
    return {name: content for name, content in files.items() if content is not None}


def committed(copy: WorkingCopy, files: dict[str, bytes | None]) -> None:
    with copy.writing():
        write_files(copy.root, files)


def seen_by(folder: Path, objects: Objects) -> dict[str, bytes]:
    """Return everything that a host which has nothing yet gets."""
    copy = copy_at(folder, objects.url, objects)
    copy.refresh()
    copy.ensure_all()
    return files_of(folder)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread extends the lease, so that requests come in one order; leases end at once."""
    monkeypatch.setattr(Holding, "renewed", lambda self: contextlib.nullcontext())
    monkeypatch.setattr(holding, "LEASE_S", 0.0)
    monkeypatch.setattr(holding, "_SKEW_S", 0.0)
    monkeypatch.setattr(transfer, "AT_ONCE", 1)


def test_another_host_gets_what_was_committed(objects: Objects, tmp_path: Path) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)
    assert seen_by(tmp_path / "b", objects) == after(FIRST)
    committed(writer, SECOND)
    assert seen_by(tmp_path / "b", objects) == after(FIRST, SECOND)
    assert seen_by(tmp_path / "c", objects) == after(FIRST, SECOND)
    other = copy_at(tmp_path / "d", objects.url, objects, writing=True)
    committed(other, {"status.json": b"3"})
    committed(writer, {"gate.json": b"4"})
    both: dict[str, bytes | None] = {"status.json": b"3", "gate.json": b"4"}
    assert seen_by(tmp_path / "b", objects) == after(FIRST, SECOND, both)


def test_a_command_fetches_what_it_needs(objects: Objects, tmp_path: Path) -> None:
    committed(copy_at(tmp_path / "a", objects.url, objects, writing=True), FIRST)
    reader = copy_at(tmp_path / "b", objects.url, objects)
    reader.refresh()
    assert set(files_of(reader.root)) == {"store.json", "status.json"}
    reader.ensure("segment/c/s2")
    reader.ensure("index.lance")
    expected = {name for name in after(FIRST) if "s1" not in name and "ledger" not in name}
    assert set(files_of(reader.root)) == expected
    reader.ensure("segment/c", below=True)
    assert "segment/c/s1/images.parquet" in files_of(reader.root)


def test_what_does_not_belong_to_a_version_stays_on_the_host(objects: Objects, tmp_path: Path) -> None:
    own: dict[str, bytes | None] = {
        "workers.log": b"",
        "work/s1.1.begun": b"",
        "work/progress.json": b"",
        ".status.json.0123.partial": b"",
        "segment/c/.s9.0123.partial/images.parquet": b"",
    }
    committed(copy_at(tmp_path / "a", objects.url, objects, writing=True), {**FIRST, **own})
    assert seen_by(tmp_path / "b", objects) == after(FIRST)


def test_a_commit_sends_what_has_changed(proxy: FaultyProxy, url: str, tmp_path: Path) -> None:
    writer = copy_at(tmp_path / "a", url, writing=True)
    committed(writer, FIRST)
    proxy.seen.clear()
    with writer.writing():
        assert not writer.commit()
    assert not [request for request in proxy.seen if "/files/" in request.path]
    proxy.seen.clear()
    committed(writer, {"status.json": b"2"})
    sent = [request.path for request in proxy.seen if request.method == "PUT" and "/files/" in request.path]
    assert len(sent) == 1


def test_parts_of_a_large_file_that_stay_the_same_are_not_sent_again(
    proxy: FaultyProxy, url: str, tmp_path: Path
) -> None:
    writer = copy_at(tmp_path / "a", url, writing=True)
    ledger = bytes(range(256)) * 4096 + b"a" * 2**20 + b"b" * 2**20
    committed(writer, {**FIRST, "ledger/c.db": ledger})
    proxy.seen.clear()
    committed(writer, {"ledger/c.db": ledger[:-1] + b"!"})
    sent = [request.path for request in proxy.seen if request.method == "PUT" and "/files/" in request.path]
    assert len(sent) == 1
    assert seen_by(tmp_path / "b", S3Objects(url))["ledger/c.db"] == ledger[:-1] + b"!"


def test_objects_that_no_version_needs_are_deleted(objects: Objects, tmp_path: Path) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)
    committed(writer, SECOND)
    kept = sorted(item.key.removeprefix("files/").split("@")[0] for item in objects.listed("files/"))
    assert kept == sorted(after(FIRST, SECOND))
    head = HeadFile(objects).read()
    assert head is not None
    assert head.head.unswept == ()


def test_many_commits_are_joined_into_one_catalogue(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_copy, "_MOST_CATALOGUES", 4)
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    follower = copy_at(tmp_path / "b", objects.url, objects)
    committed(writer, FIRST)
    for number in range(10):
        committed(writer, {"status.json": b"%d" % number})
        follower.refresh()
        assert (follower.root / "status.json").read_bytes() == b"%d" % number
    assert len(list(objects.listed("catalogue/"))) <= 4
    assert seen_by(tmp_path / "c", objects) == after(FIRST, {"status.json": b"9"})


@pytest.mark.parametrize("late", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_writer_killed_anywhere_leaves_the_version_before_or_after(
    tmp_path: Path, quiet: None, late: bool
) -> None:
    """At every request, before it is sent and after it was carried out. Then another host reads, and either
    the same host goes on with its work, or another one writes.
    """
    requests = 0
    for at in range(1, 200):
        objects = MemoryObjects(f"memory://killed-{late}-{at}")
        folder = tmp_path / f"{at}"
        committed(copy_at(folder / "a", objects.url, objects, writing=True), FIRST)
        mortal = Mortal(objects, at, after=late)
        writer = copy_at(folder / "a", objects.url, mortal, writing=True)
        try:
            committed(writer, SECOND)
        except KilledError:
            requests += 1
        else:
            break
        seen = seen_by(folder / "b", objects)
        assert seen in (after(FIRST), after(FIRST, SECOND))
        if at % 2:
            committed(copy_at(folder / "a", objects.url, objects, writing=True), {"gate.json": b"g"})
            wrote = (folder / "a" / "index.lance/people.lance/_versions/2.manifest").exists()
            expected = after(FIRST, SECOND if wrote else {}, {"gate.json": b"g"})
        else:
            committed(copy_at(folder / "c", objects.url, objects, writing=True), {"gate.json": b"g"})
            expected = {**seen, "gate.json": b"g"}
            again = copy_at(folder / "a", objects.url, objects, writing=True)
            with again.writing():  # what was not committed is dropped
                again.ensure_all()
                assert files_of(folder / "a") == expected
        assert seen_by(folder / "b", objects) == expected
        assert seen_by(folder / "d", objects) == expected
        named = {item.key.removeprefix("files/").split("@")[0] for item in objects.listed("files/")}
        assert named == set(expected)
        assert len(list(objects.listed("files/"))) == len(expected)  # the dead writer's objects are gone
    assert requests >= 12


def test_a_writer_that_was_cut_off_cannot_commit(objects: Objects, tmp_path: Path, quiet: None) -> None:
    first = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(first, FIRST)
    with pytest.raises(LeaseLostError, match="was taken by another writer"), first.writing():  # noqa: PT012
        write_files(first.root, SECOND)
        time.sleep(0.01)
        committed(copy_at(tmp_path / "b", objects.url, objects, writing=True), {"gate.json": b"g"})
    assert seen_by(tmp_path / "c", objects) == after(FIRST, {"gate.json": b"g"})
    committed(first, {"status.json": b"again"})
    expected = after(FIRST, {"gate.json": b"g", "status.json": b"again"})
    assert seen_by(tmp_path / "c", objects) == expected


def test_two_writers_at_once_do_not_mix(objects: Objects, tmp_path: Path) -> None:
    first = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    second = copy_at(tmp_path / "b", objects.url, objects, writing=True)
    with first.writing():
        write_files(first.root, FIRST)
        with pytest.raises(StoreError, match="another par command is writing"), second.writing():
            pass
    assert seen_by(tmp_path / "c", objects) == after(FIRST)


def test_a_failed_command_commits_what_is_in_its_folder(objects: Objects, tmp_path: Path) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    with pytest.raises(ValueError, match="stopped"), writer.writing():  # noqa: PT012
        write_files(writer.root, FIRST)
        raise ValueError("stopped")
    assert seen_by(tmp_path / "b", objects) == after(FIRST)


@pytest.mark.parametrize(
    ("kind", "method", "part"),
    [
        ("error", "PUT", "/files/"),
        ("cut", "PUT", "/files/"),
        ("late", "PUT", "/files/"),
        ("twice", "PUT", "/catalogue/"),
        ("lost", "PUT", "/catalogue/"),
        ("error", "PUT", "/head.json"),
        ("lost", "PUT", "/head.json"),
        ("twice", "PUT", "/head.json"),
        ("late", "PUT", "/head.json"),
        ("lost", "POST", "delete"),
    ],
)
def test_commits_outlast_faults(
    proxy: FaultyProxy, url: str, tmp_path: Path, kind: Kind, method: str, part: str
) -> None:
    writer = copy_at(tmp_path / "a", url, writing=True)
    committed(writer, FIRST)
    proxy.fail(kind, method, part, times=2)
    committed(writer, SECOND)
    proxy.fail("short", "GET", "/files/", times=2)
    proxy.fail("error", "GET", "/catalogue/", times=2)
    assert seen_by(tmp_path / "b", S3Objects(url)) == after(FIRST, SECOND)


def test_a_store_that_is_away_keeps_readers_on_what_they_have(
    proxy: FaultyProxy, url: str, tmp_path: Path
) -> None:
    writer = copy_at(tmp_path / "a", url, writing=True)
    committed(writer, FIRST)
    reader = copy_at(tmp_path / "b", url)
    reader.refresh()
    reader.ensure_all()
    proxy.away = True
    with pytest.raises(TransientError, match="cannot be reached"):
        reader.refresh()
    assert files_of(reader.root) == after(FIRST)
    with pytest.raises(TransientError), writer.writing():
        pass
    proxy.away = False
    committed(writer, SECOND)
    reader.refresh()
    reader.ensure_all()
    assert files_of(reader.root) == after(FIRST, SECOND)


def test_a_writer_that_loses_the_store_goes_on_once_it_is_back(
    proxy: FaultyProxy, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = copy_at(tmp_path / "a", url, writing=True)
    committed(writer, FIRST)
    with writer.writing():
        write_files(writer.root, SECOND)
        proxy.away = True
        with pytest.raises(TransientError):
            writer.commit()
        proxy.away = False
        assert writer.commit()
    assert seen_by(tmp_path / "b", S3Objects(url)) == after(FIRST, SECOND)


class Overtaken:
    """Objects of which one disappears while a reader is at it: a commit comes in between."""

    def __init__(self, objects: Objects, commits: Iterator[None]) -> None:
        self._objects, self._commits, self.url = objects, commits, objects.url

    def __getattr__(self, name: str) -> object:
        return getattr(self._objects, name)

    def get(self, key: str, *, unless: str | None = None) -> object:
        if key.startswith("files/"):
            next(self._commits, None)
        return self._objects.get(key, unless=unless)


def test_what_names_other_files_is_fetched_after_them(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = "index.lance/people.lance/_refs/tags/live.json"
    committed(copy_at(tmp_path / "a", objects.url, objects, writing=True), {**FIRST, tag: b"1"})
    reader = copy_at(tmp_path / "b", objects.url, objects)
    reader.refresh()
    reader.ensure("index.lance")
    changes: dict[str, bytes | None] = {**SECOND, tag: b"2"}
    committed(copy_at(tmp_path / "a", objects.url, objects, writing=True), changes)
    fetched: list[str] = []
    download = transfer.download

    def noted(store: Objects, root: Path, files: dict[str, list]) -> dict:
        fetched.extend(files)
        return download(store, root, files)

    monkeypatch.setattr(followed_copy, "download", noted)
    reader.refresh()
    assert fetched == [
        "index.lance/people.lance/data/b.lance",
        "index.lance/people.lance/_versions/2.manifest",
        tag,
        "status.json",
    ]


def test_a_reader_during_commits_gets_one_version(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)

    def commits() -> Iterator[None]:
        for number in range(3):
            committed(writer, dict.fromkeys(after(FIRST), b"%d" % number))
            yield

    reader = WorkingCopy(tmp_path / "b", objects.url, "b", writing=False)
    (reader.root / ".copy").mkdir(parents=True)
    reader._objects = Overtaken(objects, commits())  # type: ignore[assignment]
    monkeypatch.setattr(transfer, "AT_ONCE", 1)
    reader.refresh()
    reader.ensure_all()
    assert set(files_of(reader.root).values()) == {b"2"}


def test_what_is_not_what_was_written_is_refused(objects: Objects, tmp_path: Path) -> None:
    committed(copy_at(tmp_path / "a", objects.url, objects, writing=True), FIRST)
    key = next(item.key for item in objects.listed("files/status"))
    objects.put(key, b"other")
    with pytest.raises(StoreError, match=r"status.json@.* is not what was written"):
        copy_at(tmp_path / "b", objects.url, objects).refresh()


def test_a_store_that_was_removed_or_replaced_empties_the_copies(objects: Objects, tmp_path: Path) -> None:
    committed(copy_at(tmp_path / "a", objects.url, objects, writing=True), FIRST)
    reader = copy_at(tmp_path / "b", objects.url, objects)
    reader.refresh()
    objects.delete([item.key for item in objects.listed("")])
    reader.refresh()
    assert files_of(reader.root) == {}
    new: dict[str, bytes | None] = {"store.json": b"new"}
    committed(copy_at(tmp_path / "c", objects.url, objects, writing=True), new)
    reader.refresh()
    assert files_of(reader.root) == new


def test_a_damaged_catalogue_cannot_write_outside(objects: Objects, tmp_path: Path) -> None:
    from par_core.object_store.catalogue import Catalogue, Part

    committed(copy_at(tmp_path / "a", objects.url, objects, writing=True), FIRST)
    key = next(item.key for item in objects.listed("catalogue/"))
    objects.put(key, Catalogue({"../outside": [Part("files/x", "0", 1)]}).encoded())
    with pytest.raises(StoreError, match="is no path in a store"):
        copy_at(tmp_path / "b", objects.url, objects).refresh()


@pytest.mark.parametrize("lost", ["files/index.lance", "catalogue/", "files/status.json"])
def test_a_lost_object_is_said_and_never_taken_for_a_newer_version(
    objects: Objects, tmp_path: Path, lost: str
) -> None:
    writer = copy_at(tmp_path / "a", objects.url, objects, writing=True)
    committed(writer, FIRST)
    objects.delete([item.key for item in objects.listed(lost)])
    with pytest.raises(StoreError, match=f"there is no .*/{lost}.*bring it back from a backup"):
        seen_by(tmp_path / "b", objects)
    other = copy_at(tmp_path / "c", objects.url, objects, writing=True)
    with pytest.raises(StoreError, match=f"there is no .*/{lost}.*bring it back from a backup"):
        committed(other, SECOND)
    committed(writer, {"gate.json": b"1"})
