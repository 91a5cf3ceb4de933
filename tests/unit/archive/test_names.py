"""Names as people have them: lists saved by Windows editors, letters that a Mac takes apart."""

import unicodedata
import zipfile
from pathlib import Path

import fsspec
import pytest
from PIL import Image

from par_core.archive import list_source, read_entries
from par_core.archive.canonical import canonical
from par_core.config import ArchiveConfig
from par_core.errors import BadConfigError
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


LISTS = {
    "marks of utf-32": "a.jpg\nb.jpg\n".encode("utf-32"),
    "utf-16 without a mark": "a.jpg\r\nb.jpg\r\n".encode("utf-16-le"),
    "big-endian": "a.jpg\nb.jpg\n".encode("utf-16-be"),
    "find -print0": b"a.jpg\0./b.jpg\0",
    "quotes": b"\"a.jpg\"\n'b.jpg'\n",
    "one kind of line end": b"a.jpg\rb.jpg",
    "blanks": b" a.jpg\t\n  b.jpg  \n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_may_be_written_in_many_ways(tmp_path: Path, kind: str) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"content")
    (tmp_path / "list.txt").write_bytes(LISTS[kind])
    assert names(tmp_path / "list.txt") == {"a.jpg": Status.OK, "b.jpg": Status.OK}


@pytest.mark.parametrize(
    "name",
    [
        " a.jpg",
        "a\x0bb.jpg",
        "a\x0cb.jpg",
        "a\x85b.jpg",
        "a\u2028b.jpg",
        "a\x1cb.jpg",
        "a\xa0.jpg",
        '"a".jpg',
        "'a'",
    ],
)
def test_a_list_may_hold_odd_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.jpg"
    path.write_bytes(b"content")
    (tmp_path / "list.txt").write_text(f"{name}.jpg\n", "utf-8", newline="")
    assert names(tmp_path / "list.txt") == {f"{name}.jpg": Status.OK}


def test_a_name_with_a_line_end_can_be_listed_behind_nul_characters(tmp_path: Path) -> None:
    (tmp_path / "a\nb.jpg").write_bytes(b"content")
    (tmp_path / "list.txt").write_bytes(b"a\nb.jpg\0")
    assert names(tmp_path / "list.txt") == {"a\nb.jpg": Status.OK}


@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "file:{}", "FILE://{}"])
def test_a_list_takes_every_form_of_a_file_uri(tmp_path: Path, form: str) -> None:
    (tmp_path / "a b.jpg").write_bytes(b"content")
    (tmp_path / "list.txt").write_text(form.format(f"{tmp_path}/a%20b.jpg"))
    assert names(tmp_path / "list.txt") == {"a b.jpg": Status.OK}


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


def test_a_name_that_begins_with_a_number_sign_is_no_comment_where_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "#1.jpg").write_bytes(b"x")
    (tmp_path / "list.txt").write_text("#1.jpg\n# a comment\n")
    [entry] = list_source(str(tmp_path / "list.txt")).entries
    assert entry.uri == f"{tmp_path}/#1.jpg"


@pytest.mark.parametrize("line", [b"sub\\M\xfcller.jpg", b"sub/M\xfcller.jpg", "sub\\Müller.jpg".encode()])
def test_lists_that_windows_has_written(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "Müller.jpg").write_bytes(b"x")
    (tmp_path / "list.txt").write_bytes(line + b"\r\n")
    [entry] = list_source(str(tmp_path / "list.txt")).entries
    assert (entry.uri, entry.status) == (f"{tmp_path}/sub/Müller.jpg", Status.OK)


@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "file:{}", "FILE://{}"])
def test_a_source_may_be_a_file_uri(tmp_path: Path, form: str) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "ü.jpg").write_bytes(b"x")
    listing = list_source(form.format(f"{tmp_path}/a%20b"))
    assert (listing.source, [entry.uri for entry in listing.entries]) == (
        f"{tmp_path}/a b",
        [f"{tmp_path}/a b/ü.jpg"],
    )


def test_a_file_of_another_machine_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="of the machine 'nas': mount its folder"):
        list_source("file://nas/photos")
    (tmp_path / "list.txt").write_text("file://nas/photos/a.jpg\n")
    [entry] = list_source(str(tmp_path / "list.txt")).entries
    assert entry.status is Status.VANISHED
    assert "mount its folder" in entry.message


def test_a_member_as_a_source_is_told_how_to_ask_for_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "n.zip", "w") as archive:
        archive.writestr("m/a.jpg", b"x")
    with pytest.raises(BadConfigError, match=r"n\.zip, or list its members in a \.txt file"):
        list_source(f"{tmp_path}/n.zip!/m")


def test_a_folder_of_objects_may_end_like_an_archive() -> None:
    files = fsspec.filesystem("memory")
    files.pipe_file("/odd/x.zip!/a.jpg", b"bytes")
    try:
        [entry] = list_source("memory://odd").entries
        assert [content for _, content in read_entries([entry], ArchiveConfig())] == [b"bytes"]
    finally:
        files.rm("/odd", recursive=True)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "b c.jpg\t1",
            "b c.jpg,1",
            "b c.jpg; yes",
            '"b c.jpg",',
            "b c.jpg # the first",
            "b%20c.jpg",
            r"b\ c.jpg",
        ),
        *(
            "\u200eb c.jpg",
            "\u202ab c.jpg\u202c",
            "\ufeffb c.jpg",
            "\u201cb c.jpg\u201d",
            "<b c.jpg>",
            "`b c.jpg`",
        ),
        *("d41d8cd98f00b204e9800998ecf8427e  b c.jpg", f"{'0' * 64} *b c.jpg", "b c.jpg\n\x1a"),
    ],
)
def test_a_name_may_have_something_around_it_where_no_such_file_is_there(tmp_path: Path, line: str) -> None:
    (tmp_path / "b c.jpg").write_bytes(b"x")
    (tmp_path / "l.txt").write_text(f"# names\n{line}\n")
    [entry] = list_source(str(tmp_path / "l.txt")).entries
    assert (Path(entry.uri).name, entry.status) == ("b c.jpg", Status.OK)


@pytest.mark.parametrize("name", ["b c.jpg,1", "b%20c.jpg", "<b c.jpg>.jpg", "b c.jpg # the first"])
def test_a_file_of_an_odd_name_is_meant_where_it_is_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "b c.jpg").write_bytes(b"x")
    (tmp_path / name).write_bytes(b"x")
    (tmp_path / "l.txt").write_text(f"{name}\n")
    [entry] = list_source(str(tmp_path / "l.txt")).entries
    assert Path(entry.uri).name == name


def test_no_name_of_a_line_is_lost(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "l.txt").write_text("a.jpg, b.jpg\nsub\n")
    line, folder = list_source(str(tmp_path / "l.txt")).entries
    assert (Path(line.uri).name, line.status) == ("a.jpg, b.jpg", Status.VANISHED)
    assert folder.message == "a folder: name it as a source of its own"
