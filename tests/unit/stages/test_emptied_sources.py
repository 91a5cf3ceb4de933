"""A source that held files and holds none tonight is left as it was: its disk may not be mounted."""

import shutil
from pathlib import Path

import pytest

from par_core.query.from_store import Question, Searcher
from par_core.stages.status import store_status
from par_core.store.layout import Store
from tests.indexing import FAKE, content, index
from tests.pictures import archive

GROUPS = [("red",), ("green", "blue"), ("yellow",)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


def as_list(photos: Path) -> Path:
    listed = photos.parent / "list.txt"
    listed.write_text("\n".join(str(path) for path in sorted(photos.iterdir())))
    return listed


def unmount(photos: Path) -> None:
    """Leave an empty mount point."""
    shutil.move(photos, photos.parent / "away")
    photos.mkdir()


def hits(root: Path) -> int:
    return len(Searcher(root, FAKE).ask(Question(where="height_px > 0", top=50)).hits)


@pytest.mark.parametrize("listed", [False, True])
def test_people_stay_searchable_until_it_is_accepted(tmp_path: Path, photos: Path, listed: bool) -> None:
    source = as_list(photos) if listed else photos
    root = tmp_path / "store"
    index(root, [source])
    before, found = content(root), hits(root)
    unmount(photos)
    plan, _ = index(root, [source])
    assert (plan.emptied, plan.vanished) == ((str(source),), 0)
    assert content(root) == before
    assert hits(root) == found == 4
    plan, _ = index(root, [source], accept_empty=True)
    assert (plan.emptied, plan.vanished) == ((), 0 if listed else 3)
    assert hits(root) == 0
    assert {row["source_state"] for row in content(root)} == {"replaced" if listed else "vanished"}
    plan, _ = index(root, [source])
    assert plan.emptied == ()


def test_other_sources_go_on_and_the_disk_may_come_back(tmp_path: Path, photos: Path) -> None:
    root, other = tmp_path / "store", archive(tmp_path / "other", [("cyan",)])
    index(root, [photos])
    unmount(photos)
    plan, _ = index(root, [photos, other])
    assert (plan.emptied, plan.new) == ((str(photos),), 1)
    assert hits(root) == 5
    photos.rmdir()
    shutil.move(photos.parent / "away", photos)
    plan, _ = index(root, [photos, other])
    assert (plan.emptied, plan.new, plan.unchanged) == ((), 0, 4)
    assert store_status(Store.open(root)).accounting.vanished == 0


def test_a_source_that_was_always_empty_is_no_alarm(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    for _ in range(2):
        plan, _ = index(tmp_path / "store", [tmp_path / "nothing"])
        assert (plan.emptied, plan.empty) == ((), (str(tmp_path / "nothing"),))
