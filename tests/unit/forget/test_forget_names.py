"""Whatever name a file is given, what was forgotten is gone and stays out."""

import os
from pathlib import Path

import pytest

from par_core.archive import reading
from par_core.errors import UnreadableImageError
from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.listings import listed_entries
from tests.forgetting import anywhere, assert_well, erase, people_of
from tests.indexing import content, index
from tests.pictures import archive


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "l.txt").write_text("../photos/0000.png\n../photos/0001.png\n")
    (tmp_path / "link").symlink_to(tmp_path)
    return archive(tmp_path / "photos", [("red",), ("blue",)])


def test_a_forgotten_person_does_not_come_back_by_a_path_with_steps_or_links(
    tmp_path: Path, photos: Path
) -> None:
    root = tmp_path / "store"
    index(root, [photos])
    assert erase(root, source=str(photos)).proof.found_in == ()
    (tmp_path / "lists" / "m.txt").write_text(f"{tmp_path}/link/photos/0000.png\n")
    for source in ("lists/l.txt", "lists/m.txt", "lists/../photos", "link/photos", "link/photos/0001.png"):
        index(root, [tmp_path / source])
        assert content(root) == []
    assert anywhere(root, "0000.png") == []
    assert_well(root)


@pytest.mark.parametrize("named", ["photos", "lists/../photos", "link/photos"])
def test_a_source_is_forgotten_by_any_of_its_paths(tmp_path: Path, photos: Path, named: str) -> None:
    root = tmp_path / "store"
    index(root, [tmp_path / "lists" / "l.txt"])
    assert len(content(root)) == 2
    assert erase(root, source=str(tmp_path / named)).proof.found_in == ()
    assert content(root) == []
    assert_well(root)


def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name sources and entries of lists as the release before did."""
    plain = lambda path, base="", folders=None: str((Path(base) / path).absolute())  # noqa: E731
    monkeypatch.setattr("par_core.archive.listing.canonical", plain)
    monkeypatch.setattr("par_core.archive.path_list.canonical", plain)


def test_names_of_an_earlier_release_are_forgotten_by_the_canonical_path(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "store"
    with monkeypatch.context() as before:
        as_before(before)
        index(root, [tmp_path / "lists" / "l.txt"])
    assert next(row["uri"] for row in content(root)).startswith(f"{tmp_path}/lists/../photos/")
    assert erase(root, source=str(photos)).proof.found_in == ()
    assert anywhere(root, "0000.png") == []
    index(root, [tmp_path / "lists" / "l.txt", photos])
    assert content(root) == []
    assert_well(root)


def test_a_store_of_an_earlier_release_takes_the_canonical_names_and_loses_nobody(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, named = tmp_path / "store", tmp_path / "lists" / ".." / "photos" / "0000.png"
    with monkeypatch.context() as before:
        as_before(before)
        index(root, [named])
    people = [row["person_id"] for row in content(root)]
    index(root, [named])
    assert listed_entries(Store.open(root))["uri"].to_pylist() == [str(photos / "0000.png")]
    assert [row["person_id"] for row in content(root)] == people
    assert [row["uris"] for row in content(root)] == [[str(photos / "0000.png")]]
    assert_well(root)


@pytest.mark.parametrize("touched", [False, True])
def test_the_name_of_a_forgotten_image_goes_with_the_attempts_at_it_that_failed(
    tmp_path: Path, photos: Path, touched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, read = tmp_path / "store", reading.read_local

    def failing(uri: str, most: int) -> object:
        refused = UnreadableImageError(Status.IO_ERROR, "cannot be read: I/O error")
        return refused if uri.endswith("0000.png") else read(uri, most)

    with monkeypatch.context() as broken:
        broken.setattr(reading, "read_local", failing)
        index(root, [photos])
    if touched:
        os.utime(photos / "0000.png", ns=(1, 1))
    index(root, [photos], retry_failed=True)
    (person,) = people_of(root, "0000.png")
    report = erase(root, image=person["image_id"])
    assert report.proof.found_in == ()
    assert anywhere(root, "0000.png") == []
    assert len(content(root)) == 1
    assert_well(root)
