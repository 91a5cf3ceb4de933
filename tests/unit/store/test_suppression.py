import time
from pathlib import Path

import pytest

from par_core.archive import Entry
from par_core.store.layout import Store
from par_core.store.listings import entries_table
from par_core.store.suppression import (
    Box,
    SuppressionList,
    load_suppression_list,
    places_of,
    save_suppression_list,
)


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


BOX = (10.0, 10.0, 30.0, 90.0)


@pytest.fixture
def forgotten(tmp_path: Path) -> SuppressionList:
    """A suppression list with one person, written and read."""
    store = Store.create(tmp_path / "s")
    save_suppression_list(store, load_suppression_list(store).with_person("i" * 32, "p" * 32, "one", BOX))
    written = (store.root / "forgotten.json").read_text()
    assert "iiii" not in written
    assert "pppp" not in written
    return load_suppression_list(store)


@pytest.mark.parametrize(
    ("people", "segmenter", "known"),
    [
        ({"p": BOX}, "one", "p"),
        # the box of another precision: overlap 0.78, and of somebody else: 0.45
        ({"q": (12.0, 12.0, 31.0, 88.0), "r": (18.0, 10.0, 37.0, 90.0)}, "one", "q"),
        ({"q": (14.9, 10.0, 34.9, 90.0)}, "one", ""),  # 0.61
        ({"p": BOX, "q": (11.0, 10.0, 30.0, 90.0)}, "one", "p"),  # the id decides where it is there
        ({"q": (14.9, 10.0, 34.9, 90.0), "r": (11.0, 12.0, 31.0, 88.0)}, "two", "qr"),
        ({"q": (40.0, 10.0, 60.0, 90.0)}, "two", ""),
        ({}, "one", ""),
    ],
)
def test_a_person_is_known_again_by_id_and_else_by_the_box(
    forgotten: SuppressionList, people: dict[str, Box], segmenter: str, known: str
) -> None:
    boxes = [(name * 32, box) for name, box in people.items()]
    assert forgotten.forgotten_people("i" * 32, boxes, segmenter) == {name * 32 for name in known}
    assert forgotten.forgotten_people("j" * 32, boxes, segmenter) == set()


def test_a_listing_of_a_hundred_thousand_files_is_masked_in_seconds() -> None:
    names = [f"/archive/2026/{number % 300:03d}/photo-{number:06d}.jpg" for number in range(100_000)]
    table = entries_table(Entry(name, 5, "1") for name in sorted(names))
    stones = SuppressionList("00" * 16).with_place("/archive/2026/007").with_place(names[9])
    stones = stones.with_image("a" * 32, iter([(names[11], 5, "1"), (names[12], 5, "2")]))
    started = time.process_time()
    masked = stones.mask(table)
    assert time.process_time() - started < 12.0  # 0.4 s without the checks of types that tests add
    gone = {name for name in names if "/007/" in name} | {names[9], names[11]}
    rows = dict(zip(masked["uri"].to_pylist(), masked["status"].to_pylist(), strict=True))
    assert len(rows) == len(names)
    assert {uri for uri, status in rows.items() if status == "forgotten"} == set(map(stones.masked, gone))
    assert set(names) - rows.keys() == gone
    assert list(rows) == sorted(rows)
    assert stones.mask(masked).equals(masked)


def test_each_folder_and_each_file_is_digested_once() -> None:
    counted: list[tuple[str, ...]] = []

    class Counted(SuppressionList):
        def _digest(self, *parts: str) -> str:
            counted.append(parts)
            return super()._digest(*parts)

    names = [f"/a/b/{number % 3}/{number}.jpg" for number in range(60)]
    Counted("00" * 16, frozenset(["0" * 32])).mask(entries_table(Entry(name, 5, "1") for name in names))
    assert len(counted) == len(set(counted)) == 60 + 3 + 2
