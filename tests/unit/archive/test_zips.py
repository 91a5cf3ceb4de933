"""Zip files as people make them: joined, behind a program, and with bytes behind their end."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import fsspec
import pytest

from par_core.archive import list_source, read_entries
from par_core.config import ArchiveConfig


def zip_of(members: Mapping[str, bytes], comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def read(source: str) -> dict[str, bytes | str]:
    entries = list_source(source).entries
    return {
        entry.uri.partition("!/")[2]: content if isinstance(content, bytes) else content.status.value
        for entry, content in read_entries(entries, ArchiveConfig())
    }


FIRST = {"a.jpg": b"first a", "same.jpg": b"first same"}
SECOND = {"b.jpg": b"second b", "same.jpg": b"second same"}
BOTH = {
    "a.jpg": b"first a",
    "b.jpg": b"second b",
    "same.jpg": b"second same",
    "same.jpg#2": b"first same",
}


@pytest.mark.parametrize("comment", [b"", b"a comment"])
def test_joined_zips_are_read_whole(tmp_path: Path, comment: bytes) -> None:
    (tmp_path / "j.zip").write_bytes(zip_of(FIRST, comment) + zip_of(SECOND))
    assert read(str(tmp_path / "j.zip")) == BOTH
    three = zip_of({"c.jpg": b"c"}) + zip_of(FIRST, comment) + zip_of(SECOND, comment)
    (tmp_path / "three.zip").write_bytes(three)
    assert read(str(tmp_path / "three.zip")) == {"c.jpg": b"c"} | BOTH


def test_joined_zips_behind_a_url_are_read_whole() -> None:
    files = fsspec.filesystem("memory")
    files.pipe_file("/joined/j.zip", zip_of(FIRST) + zip_of(SECOND))
    try:
        assert read("memory://joined/j.zip") == BOTH
    finally:
        files.rm("/joined", recursive=True)


def test_an_empty_zip_may_be_joined(tmp_path: Path) -> None:
    (tmp_path / "j.zip").write_bytes(zip_of(FIRST) + zip_of({}))
    assert read(str(tmp_path / "j.zip")) == FIRST


@pytest.mark.parametrize("before", [b"#!/bin/sh\n" * 100, b"MZ" + b"PK\5\6" * 50, b"PK\5\6" + bytes(14)])
def test_a_program_before_a_zip_is_no_archive(tmp_path: Path, before: bytes) -> None:
    (tmp_path / "s.zip").write_bytes(before + zip_of(FIRST))
    assert read(str(tmp_path / "s.zip")) == FIRST


def test_damage_in_the_first_of_joined_zips_is_told_and_the_second_is_read(tmp_path: Path) -> None:
    damaged = bytearray(zip_of(FIRST))
    table = damaged.index(b"PK\1\2")
    damaged[table : table + 4] = b"XXXX"
    (tmp_path / "j.zip").write_bytes(bytes(damaged) + zip_of(SECOND))
    assert read(str(tmp_path / "j.zip")) == SECOND | {"": "damaged_archive"}
