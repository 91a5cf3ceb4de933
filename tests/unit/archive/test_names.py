"""Names as people have them: lists saved by Windows editors, letters that a Mac takes apart."""

import unicodedata
import zipfile
from pathlib import Path

import fsspec
import pytest
from PIL import Image

from par_core.archive import list_source
from par_core.archive.canonical import canonical
from par_core.query.from_store import Question, Searcher
from par_core.status import Status
from tests.indexing import FAKE, index
from tests.pictures import archive

NFC, NFD = unicodedata.normalize("NFC", "Müller"), unicodedata.normalize("NFD", "Müller")


def names(source: Path) -> dict[str, Status]:
    entries = list_source(str(source)).entries
    return {entry.uri.removeprefix(f"{source.parent}/"): entry.status for entry in entries}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    with zipfile.ZipFile(tmp_path / "n.zip", "w") as packed:
        packed.write(tmp_path / "a.jpg", "inside/b.jpg")
        packed.write(tmp_path / "a.jpg", "inside/c.jpg")
    return tmp_path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_may_have_a_byte_order_mark(folder: Path, encoding: str) -> None:
    (folder / "list.txt").write_text("a.jpg\r\ngone.jpg\r\n", encoding=encoding)
    assert names(folder / "list.txt") == {"a.jpg": Status.OK, "gone.jpg": Status.VANISHED}


def test_a_list_takes_what_par_prints_as_places(folder: Path) -> None:
    lines = [f"{folder}/n.zip!/inside/b.jpg", "n.zip!/inside/gone.jpg", f"file://{folder}/a.jpg"]
    (folder / "list.txt").write_text("\n".join(lines))
    assert names(folder / "list.txt") == {
        "a.jpg": Status.OK,
        "n.zip!/inside/b.jpg": Status.OK,
        "n.zip!/inside/gone.jpg": Status.VANISHED,
    }


def test_a_list_takes_urls(folder: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({f"/urls/{name}": (folder / name).read_bytes() for name in ("a.jpg", "n.zip")})
    named = ["memory://urls/a.jpg", "memory://urls/n.zip!/inside/c.jpg", "memory://urls/gone.jpg"]
    (folder / "list.txt").write_text("\n".join(named))
    statuses = {entry.uri[-5:]: entry.status for entry in list_source(str(folder / "list.txt")).entries}
    assert statuses == {"a.jpg": Status.OK, "c.jpg": Status.OK, "e.jpg": Status.VANISHED}


@pytest.mark.parametrize(("stored", "typed"), [(NFD, NFC), (NFC, NFD)])
def test_names_are_found_composed_and_decomposed(tmp_path: Path, stored: str, typed: str) -> None:
    photos = archive(tmp_path / "photos" / stored, [("red",)])
    assert canonical(tmp_path / "photos" / typed / "0000.png") == str(photos / "0000.png")
    (tmp_path / "list.txt").write_text(f"photos/{typed}/0000.png\n")
    assert list(names(tmp_path / "list.txt").values()) == [Status.OK]
    index(tmp_path / "store", [tmp_path / "photos"])
    searcher = Searcher(tmp_path / "store", FAKE)
    uri = f"{tmp_path}/photos/{typed}/0000.png"
    for where in (f"uri like '%{typed}%'", f"uri = '{uri}'", f"uri in ('{uri}', 'other')"):
        assert len(searcher.ask(Question(where=where)).hits) == 1
        assert len(searcher.ask(Question(where=f"not ({where})")).hits) == 0
    assert len(searcher.ask(Question(where=f"uri != '{uri}'")).hits) == 0
    assert len(searcher.ask(Question(f"source:{typed}")).hits) == 1
    assert len(searcher.ask(Question(f"NOT source:{typed}")).hits) == 0
