"""Members of archives are read where they are, and are the same as if the archive was walked."""

import io
import os
import random
import subprocess
import tarfile
import threading
import time
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.archive import (
    Entry,
    Place,
    container_of,
    containers_of,
    is_streamed,
    list_source,
    read_entries,
    read_order,
)
from tests.sources import LIMITS, contents

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
KINDS = (".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz")
Files = Sequence[tuple[str, bytes]]


def write_archive(path: Path, files: Files, option: int = 0, mtime: int = 1) -> Path:
    """An archive of files in this order; ``option`` chooses the method of a zip or the format of a tar."""
    if path.suffix == ".zip":
        # zipfile warns of a name that stands twice
        with zipfile.ZipFile(path, "w", METHODS[option]) as zipped, warnings.catch_warnings(action="ignore"):
            for name, content in files:
                zipped.writestr(name, content)
        return path
    kind = path.name.partition(".tar")[2].lstrip(".")
    with tarfile.open(path, f"w:{kind}", format=FORMATS[option % 3]) as tar:  # type: ignore[call-overload]
        for number, (name, content) in enumerate(files):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), mtime + number
            tar.addfile(member, io.BytesIO(content))
    return path


def read(entries: Sequence[Entry]) -> dict[str, object]:
    """Bytes, or status and message, by the name in the archive."""
    return {
        entry.uri.split("!/", 1)[1]: content
        if isinstance(content, bytes)
        else (str(content.status), content.message)
        for entry, content in read_entries(entries, LIMITS)
    }


names = st.sampled_from(["a", "b/c", "b/ü", "x" * 130, "d/" * 40 + "long", "#2", "C:\\w", "%s"])


@given(
    files=st.lists(st.tuples(names, st.binary(min_size=1, max_size=3_000)), min_size=1, max_size=8),
    kind=st.sampled_from(KINDS),
    option=st.integers(0, 3),
    seed=st.integers(0, 9),
)
def test_members_read_at_their_places_are_those_found_by_walking(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[str, bytes]],
    kind: str,
    option: int,
    seed: int,
) -> None:
    path = tmp_path_factory.mktemp("places") / f"a{kind}"
    if kind != ".zip" and option % 3 == 0:  # this format has no longer names
        files = [(name[-90:].lstrip("/"), content) for name, content in files]
    named = [(f"{name}.jpg", content) for name, content in files]
    write_archive(path, named, option)
    counts: dict[str, int] = {}
    expected: dict[str, bytes] = {}
    for name, content in named:
        counts[name] = counts.get(name, 0) + 1
        expected[name if counts[name] == 1 else f"{name}#{counts[name]}"] = content
    entries = list(list_source(str(path)).entries)
    assert all(entry.place is not None for entry in entries)
    random.Random(seed).shuffle(entries)
    half = len(entries) // 2
    assert {**read(entries[:half]), **read(entries[half:])} == expected
    assert read([replace(entry, place=None) for entry in entries]) == expected


def test_an_archive_is_read_in_the_order_of_its_bytes(tmp_path: Path) -> None:
    for kind in KINDS:
        path = write_archive(tmp_path / f"a{kind}", [(f"{n}.jpg", b"x") for n in (3, 1, 2)])
        entries = list_source(str(path)).entries
        assert [entry.uri[-5] for entry in entries] == ["1", "2", "3"]
        assert [entry.uri[-5] for entry in read_order(entries)] == ["3", "1", "2"]
        assert [entry.uri[-5] for entry, _ in read_entries(entries, LIMITS)] == ["3", "1", "2"]


def test_containers_of_a_column_are_those_of_each_uri(tmp_path: Path) -> None:
    (tmp_path / "folder.zip!").mkdir()
    (tmp_path / "a.zip").touch()
    (tmp_path / "other.zip").mkdir()
    uris = [
        f"{tmp_path}/a.zip!/x.jpg",
        f"{tmp_path}/plain.jpg",
        f"{tmp_path}/other.zip!/in.tar!/x.jpg",
        f"{tmp_path}/other.zip!/x.jpg",
        "s3://b/Night.TAR.GZ!/a!/b.zip!/x.jpg",
        "memory://b/a.jpg",
        f"{tmp_path}/new\nline.tar!/x.jpg",
    ]
    expected = [container_of(uri) for uri in uris]
    assert expected == [
        f"{tmp_path}/a.zip",
        None,
        f"{tmp_path}/other.zip!/in.tar",
        None,
        "s3://b/Night.TAR.GZ",
        None,
        f"{tmp_path}/new\nline.tar",
    ]
    assert containers_of(pa.chunked_array([uris[:3], uris[3:]])).to_pylist() == expected
    assert [name for name in expected if name and is_streamed(name)] == ["s3://b/Night.TAR.GZ"]


def test_zip64_data_descriptors_and_a_program_before_the_archive(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, piece: bytes) -> int:  # type: ignore[override]
            self.written += piece
            return len(piece)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as zipped:  # type: ignore[arg-type]
        for name in ("a.jpg", "b.jpg"):
            with zipped.open(name, "w", force_zip64=True) as member:
                member.write(name.encode() * 100)
    path = tmp_path / "a.zip"
    path.write_bytes(b"#!/bin/sh\n" + pipe.written)
    assert contents(str(path)) == {name: name.encode() * 100 for name in ("a.jpg", "b.jpg")}


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_members_have_their_holes(tmp_path: Path, form: str) -> None:
    if b"GNU tar" not in subprocess.run(["tar", "--version"], capture_output=True, check=False).stdout:
        pytest.skip("needs GNU tar")
    holed = tmp_path / "holed.jpg"
    with holed.open("wb") as file:
        for number in range(9):
            file.seek(number * 200_000)
            file.write(b"x" * 4_096)
    (tmp_path / "after.jpg").write_bytes(b"after")
    command = ["tar", "-S", f"--format={form}", "-cf", "a.tar", "holed.jpg", "after.jpg"]
    subprocess.run(command, cwd=tmp_path, check=True)
    path = tmp_path / "a.tar"
    assert path.stat().st_size < 100_000
    entries = list_source(str(path)).entries
    expected = {"holed.jpg": holed.read_bytes(), "after.jpg": b"after"}
    assert read(entries) == read([replace(entry, place=None) for entry in entries]) == expected


def test_attributes_for_all_later_members_count_although_they_stand_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers={"path": "ü.jpg"}) as tar:
        for number in range(2):
            member = tarfile.TarInfo(f"{number}.jpg")
            member.size, member.pax_headers = 1, {"comment": "so that it has a header of its own"}
            tar.addfile(member, io.BytesIO(b"%d" % number))
    entries = list_source(str(path)).entries
    assert [entry.place for entry in entries] == [None, None]
    assert read(entries) == {"ü.jpg": b"0", "ü.jpg#2": b"1"}


def test_a_comment_for_all_members_hides_no_place(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"  # as git archive writes it
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "5e1f"}) as tar:
        tar.addfile(tarfile.TarInfo("a.jpg"))
    (entry,) = list_source(str(path)).entries
    assert entry.place == Place(1024, 512, "stored")


@pytest.mark.parametrize("kind", KINDS)
def test_two_threads_read_one_archive_at_once(tmp_path: Path, kind: str) -> None:
    files = [(f"{number:03}.jpg", os.urandom(2_000)) for number in range(200)]
    entries = list_source(str(write_archive(tmp_path / f"a{kind}", files))).entries
    results: list[dict[str, object]] = []

    def work(part: Sequence[Entry]) -> None:
        results.extend(read(part[start : start + 20]) for start in range(0, len(part), 20))

    threads = [threading.Thread(target=work, args=(entries[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: content for part in results for name, content in part.items()} == dict(files)


@pytest.mark.parametrize("kind", [".tar.gz", ".tar.xz"])
def test_a_stream_goes_on_where_it_stopped_and_starts_again_only_to_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    files = [(f"{number:03}.jpg", os.urandom(20_000)) for number in range(100)]
    path = write_archive(tmp_path / f"a{kind}", files)
    entries, size = list_source(str(path)).entries, path.stat().st_size
    n_read, preadv = 0, os.preadv

    def counted(descriptor: int, buffers: Sequence[memoryview], position: int) -> int:
        nonlocal n_read
        got = preadv(descriptor, buffers, position)
        n_read += got
        return got

    monkeypatch.setattr("par_core.archive.raw_files.os.preadv", counted)
    for start in range(0, 100, 10):
        assert len(read(entries[start : start + 10])) == 10
    assert n_read <= size
    assert read(entries[:1]) == dict(files[:1])
    assert n_read < 1.2 * size


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_the_cost_of_a_member_does_not_grow_with_the_archive(tmp_path: Path, kind: str) -> None:
    costs = []
    for n_members in (500, 10_000):
        path = write_archive(
            tmp_path / f"{n_members}{kind}", [(f"{n}.jpg", b"x" * 400) for n in range(n_members)]
        )
        entries = read_order(list_source(str(path)).entries)
        read(entries[n_members // 2 - 1 : n_members // 2])  # a stream comes to its middle shard by shard
        start = time.process_time()
        for first in range(n_members // 2, n_members // 2 + 240, 40):
            list(read_entries(entries[first : first + 40], LIMITS))
        costs.append(time.process_time() - start)
    assert costs[1] < 3 * costs[0]
