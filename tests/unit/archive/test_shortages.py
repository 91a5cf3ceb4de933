"""A machine short of memory or of file descriptors: no file is marked, and no folder is listed in part."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from par_core.archive import list_source, members, read_entries
from par_core.archive.folder import list_folder
from par_core.config import ArchiveConfig
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status
from tests.sources import LIMITS


def raising(error: Exception) -> Callable[..., NoReturn]:
    """A function that fails."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


SHORTAGES = [OSError(number, os.strerror(number)) for number in (errno.ENOMEM, errno.EMFILE, errno.ENFILE)]


@pytest.mark.parametrize("error", SHORTAGES, ids=repr)
def test_a_machine_that_lacks_something_marks_no_file(
    folder: Path, bucket: dict[str, Exception], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    local, remote = list_source(str(folder)).entries, list_source("memory://bucket").entries
    bucket["03.jpg"] = error
    with pytest.raises(TransientError, match="machine"):
        list(read_entries(remote, LIMITS))

    monkeypatch.setattr("par_core.archive.local.os.open", raising(error))
    with pytest.raises(TransientError, match="machine"):
        list(read_entries(local, LIMITS))


def test_a_lack_of_memory_while_reading_marks_no_file(
    folder: Path, tmp_path: Path, bucket: dict[str, Exception]
) -> None:
    limits = ArchiveConfig(max_bytes=2**62)  # so much is asked for, and no machine has it
    with pytest.raises(TransientError, match="out of memory"):
        list(read_entries(list_source(str(folder)).entries, limits))
    bucket["03.jpg"] = MemoryError()
    with pytest.raises(TransientError, match="out of memory"):
        list(read_entries(list_source("memory://bucket").entries, LIMITS))


OPENED = {".zip": "zipfile.ZipFile.__init__", ".tar": "tarfile.TarFile.__init__"}
READ = {".zip": "zipfile.ZipExtFile.read", ".tar": "tarfile.ExFileObject.read"}


@pytest.mark.parametrize("archive", OPENED, indirect=True)
@pytest.mark.parametrize("error", [*SHORTAGES, MemoryError()], ids=repr)
def test_an_archive_is_not_damaged_because_the_machine_lacks_something(
    archive: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    entries = list_source(archive).entries
    by_name_alone = [replace(entry, place=None) for entry in entries]
    monkeypatch.setattr(members, "can_allocate", lambda _: False)
    for failing, some in ((OPENED, by_name_alone), (READ, entries)):
        with monkeypatch.context() as patch:
            patch.setattr(failing[Path(archive).suffix], raising(error))
            with pytest.raises(TransientError, match="machine"):
                list(read_entries(some, LIMITS))
    monkeypatch.setattr(OPENED[Path(archive).suffix], raising(error))
    with pytest.raises(TransientError, match="machine"):
        list_source(archive)


@pytest.mark.parametrize("archive", OPENED, indirect=True)
def test_an_archive_that_asks_for_more_memory_than_any_picture_needs_is_damaged(
    archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = list_source(archive).entries
    monkeypatch.setattr(READ[Path(archive).suffix], raising(MemoryError()))
    results = [content for _, content in read_entries(entries, LIMITS)]
    assert {content.status for content in results if isinstance(content, UnreadableImageError)} == {
        Status.DAMAGED_ARCHIVE
    }
    monkeypatch.setattr(OPENED[Path(archive).suffix], raising(MemoryError()))
    assert [entry.status for entry in list_source(archive).entries] == [Status.DAMAGED_ARCHIVE]


@pytest.mark.parametrize("error", SHORTAGES, ids=repr)
@pytest.mark.parametrize("name", ["scandir", "stat"])
def test_a_folder_is_not_listed_in_part_where_the_machine_lacks_something(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, name: str
) -> None:
    (folder / "link.jpg").symlink_to(folder / "a.jpg")
    real = getattr(os, name)

    def refused(path: str, **named: object) -> object:
        if str(path).endswith(("deep", "link.jpg")):
            raise error
        return real(path, **named)

    monkeypatch.setattr(f"par_core.archive.folder.os.{name}", refused)
    with pytest.raises(TransientError, match="machine"):
        list_folder(folder)
