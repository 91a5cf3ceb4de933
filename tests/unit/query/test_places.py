"""``source:`` looks at every place of a picture, and a hit names one that the newest listing holds."""

import shutil
from pathlib import Path

import pytest

from par_core.query.crops import crops_of
from par_core.query.from_store import Question, Searcher
from par_core.store.layout import Store
from tests.indexing import FAKE, index, live_by_a_gate
from tests.pictures import archive


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with the same picture in the folders mnt-a and mnt-b, and another in mnt-c."""
    archive(tmp_path / "mnt-a", [("red",)])
    shutil.copytree(tmp_path / "mnt-a", tmp_path / "mnt-b")
    archive(tmp_path / "mnt-c", [(), ("blue",)])
    index(tmp_path / "store", [tmp_path / name for name in ("mnt-a", "mnt-b", "mnt-c")])
    return tmp_path / "store"


def found(root: Path, text: str) -> list[str]:
    hits = Searcher(root, FAKE).ask(Question(text, weak=True)).hits
    return sorted(Path(hit.uri).parent.name for hit in hits)


def test_a_picture_in_two_places_is_found_by_either(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("source:mnt-a", "source:mnt-b", f"source:{tmp_path}/mnt-b/"):
        assert found(root, text) == ["mnt-a"]
    assert found(root, "source:mnt-c") == found(root, "NOT source:mnt-b") == ["mnt-c"]
    assert found(root, "source:mnt-") == ["mnt-a", "mnt-c"]
    assert found(root, "source:.pngmnt") == found(root, f"source:0000.png{tmp_path}") == []
    (tmp_path / "link").symlink_to(tmp_path / "mnt-b")
    assert found(root, f"source:{tmp_path}/link") == ["mnt-a"]
    monkeypatch.chdir(tmp_path / "mnt-c")
    assert found(root, "source:../mnt-b") == ["mnt-a"]


def test_a_hit_of_an_older_version_names_the_place_where_the_picture_is_now(
    root: Path, tmp_path: Path
) -> None:
    live_by_a_gate(root)
    shutil.rmtree(tmp_path / "mnt-a")
    (tmp_path / "mnt-a").mkdir()
    index(root, [tmp_path / "mnt-a"], accept_empty=True)
    searcher = Searcher(root, FAKE)
    assert searcher.index().version < searcher.newest().version
    (hit,) = searcher.ask(Question("source:mnt-a", weak=True)).hits
    assert (hit.uri, hit.uris) == (f"{tmp_path}/mnt-b/0000.png", (f"{tmp_path}/mnt-b/0000.png",))
    assert hit.source_state == "present"


def test_a_crop_is_cut_from_the_place_that_still_holds_the_picture(root: Path, tmp_path: Path) -> None:
    searcher = Searcher(root, FAKE)
    (hit,) = searcher.ask(Question("source:mnt-b", weak=True)).hits
    shutil.rmtree(tmp_path / "mnt-a")
    (crop,) = crops_of([hit], Store.open(root), searcher.index().info.segment_config, FAKE.archive)
    assert crop.jpeg is not None
    shutil.rmtree(tmp_path / "mnt-b")
    (crop,) = crops_of([hit], Store.open(root), searcher.index().info.segment_config, FAKE.archive)
    assert (crop.jpeg, crop.trouble) == (None, "the file is not there any more (vanished)")


def test_a_place_in_another_case_is_hinted_at(tmp_path: Path) -> None:
    index(tmp_path / "store", [archive(tmp_path / "Gate-3", [("red",)])])
    searcher = Searcher(tmp_path / "store", FAKE)
    for question, hint in (
        (Question("source:gate-3"), "no place holds 'gate-3', but 'Gate-3' occurs: case matters in source:"),
        (Question(where="uri like '%gate-3%'"), "but 'Gate-3' occurs: case matters in like"),
        (Question(where="uri like 'Gate-3'"), "source:Gate-3 finds a part of a path"),
    ):
        result = searcher.ask(question)
        assert result.hits == ()
        assert any(hint in warning for warning in result.warnings)
    assert searcher.ask(Question("source:gate-4")).warnings == ()
    assert searcher.ask(Question("NOT source:Gate-3")).warnings == ()
    for pattern, hits in (("%Gate-_%", 1), (r"%Gate\-3%", 1), (r"%Gate\_3%", 0), ("%ate-3/%", 1)):
        assert len(searcher.ask(Question(where=f"uri like '{pattern}'")).hits) == hits
