from pathlib import Path

import pytest

from par_core.store.layout import Store
from par_core.store.suppression import load_suppression_list, places_of, save_suppression_list


@pytest.mark.parametrize(
    ("uri", "places"),
    [
        ("/a/b.jpg", ["/a/b.jpg", "/a"]),
        ("/a/n.zip!/x/1.jpg", ["/a/n.zip!/x/1.jpg", "/a/n.zip!/x", "/a/n.zip", "/a"]),
        ("s3://bucket/2026/1.jpg", ["s3://bucket/2026/1.jpg", "s3://bucket/2026", "s3://bucket"]),
        ("file:///a/%FF.jpg", ["/a/\udcff.jpg", "/a"]),
    ],
)
def test_a_file_lies_in_these_places(uri: str, places: list[str]) -> None:
    assert list(places_of(uri)) == places


def test_a_place_holds_what_is_below_it_and_not_what_only_begins_alike(tmp_path: Path) -> None:
    stones = load_suppression_list(Store.create(tmp_path / "s")).with_place("/photos/a")
    assert stones.has_place("/photos/a/1.jpg")
    assert stones.has_place("/photos/a")
    assert not stones.has_place("/photos/ab/1.jpg")
    assert not stones.has_place("/photos")


def test_a_person_is_known_again_by_id_and_by_the_box_of_another_segmenter_only(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    save_suppression_list(
        store, load_suppression_list(store).with_person("i" * 32, "p" * 32, "one", (10.0, 10.0, 30.0, 90.0))
    )
    stones = load_suppression_list(store)
    assert stones.has_person("i" * 32, "p" * 32, "one", (10.0, 10.0, 30.0, 90.0))
    # a neighbour, as the same segmenter sees it
    assert not stones.has_person("i" * 32, "q" * 32, "one", (11.0, 10.0, 30.0, 90.0))
    assert stones.has_person("i" * 32, "q" * 32, "two", (11.0, 12.0, 31.0, 88.0))
    assert not stones.has_person("i" * 32, "q" * 32, "two", (40.0, 10.0, 60.0, 90.0))
    assert not stones.has_person("j" * 32, "q" * 32, "two", (10.0, 10.0, 30.0, 90.0))
    written = (store.root / "forgotten.json").read_text()
    assert "iiii" not in written
    assert "pppp" not in written
