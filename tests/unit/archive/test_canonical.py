"""One name for each local path, however a source, a list or a request names it."""

import shutil
import zipfile
from pathlib import Path

import pytest

from par_core.archive import list_source
from par_core.archive.canonical import CanonicalUris, canonical
from par_core.errors import BadConfigError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with pictures, an archive and a list, and a link to it beside it."""
    place = tmp_path / "real"
    (place / "photos").mkdir(parents=True)
    (place / "lists").mkdir()
    (place / "photos" / "a.png").write_bytes(b"a")
    with zipfile.ZipFile(place / "night.zip", "w") as archive:
        archive.writestr("../odd/1.png", b"1")
    (tmp_path / "link").symlink_to(place)
    return place


def uris(source: object) -> list[str]:
    return [entry.uri for entry in list_source(str(source)).entries]


def test_a_source_has_one_name_through_steps_and_links(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place / "lists")
    for source in (place / "photos", "../photos", tmp_path / "link" / "photos", place / "lists/../photos/"):
        assert list_source(str(source)).source == str(place / "photos")
        assert uris(source) == [str(place / "photos" / "a.png")]
    for source in ("../night.zip", tmp_path / "link" / "night.zip", place / "photos" / ".." / "night.zip"):
        assert list_source(str(source)).source == str(place / "night.zip")
        assert uris(source) == [f"{place}/night.zip!/../odd/1.png"]
    assert uris("../photos/a.png") == uris(tmp_path / "link/photos/a.png") == [str(place / "photos/a.png")]


def test_entries_of_a_list_have_the_names_that_their_folder_gives_them(place: Path, tmp_path: Path) -> None:
    (place / "photos" / "b.png").symlink_to("a.png")
    (place / "lists" / "l.txt").write_text(
        f"../photos/a.png\n{tmp_path}/link/photos/b.png\n./../photos/./gone.png\n../photos/a.png\n"
    )
    names = [str(place / "photos" / name) for name in ("a.png", "b.png", "gone.png")]
    assert uris(tmp_path / "link" / "lists" / "l.txt") == names
    assert uris(place / "photos") == names[:2]


def test_a_link_to_an_archive_is_the_archive_and_one_to_an_object_keeps_its_name(place: Path) -> None:
    (place / "latest.zip").symlink_to("night.zip")
    assert list_source(str(place / "latest.zip")).source == str(place / "night.zip")
    shutil.move(place / "night.zip", place / "0f9c")
    (place / "night.zip").symlink_to("0f9c")
    assert uris(place / "night.zip") == [f"{place}/night.zip!/../odd/1.png"]


def test_a_uri_keeps_the_name_of_a_member_and_of_a_url(place: Path, tmp_path: Path) -> None:
    of = CanonicalUris().of
    assert of(f"{tmp_path}/link/night.zip!/../odd/1.png") == f"{place}/night.zip!/../odd/1.png"
    assert of(f"{place}/lists/../photos/a.png") == f"{place}/photos/a.png"
    assert of("s3://bucket/a/../b.png") == "s3://bucket/a/../b.png"
    assert of(f"file://{tmp_path}/link/photos/%FF.png") == f"file://{place}/photos/%FF.png"
    assert canonical("~/x.png") == canonical(Path.home() / "x.png")
    with pytest.raises(BadConfigError, match="NUL"):
        canonical("a\0b")
