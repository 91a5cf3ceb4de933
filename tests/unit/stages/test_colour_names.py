"""Another rule for the names of colours: pictures are read again, and no model sees them."""

import json
from pathlib import Path

import pytest

from par_core.attributes.colours import NAMING, GarmentColours
from par_core.stages.check import verify_store
from par_core.stages.provenance import RULES
from par_core.store.layout import Store
from tests.indexing import content, index
from tests.pictures import archive
from tests.unit.stages.test_migration import refuse_models

COLUMNS = ("upper_color", "upper_color_share", "lower_color", "lower_color_share")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])


@pytest.fixture
def former(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of a version that called everything pink and recorded no rule."""
    root = tmp_path / "s"
    with monkeypatch.context() as patch:
        patch.setattr(
            "par_core.stages.person_rows.garment_colours",
            lambda *_: GarmentColours("pink", 1.0, "pink", 1.0),
        )
        index(root, [photos])
    for path in root.glob("describe/*/*/manifest.json"):
        manifest = json.loads(path.read_bytes())
        assert manifest["info"].pop("colours") == NAMING == RULES["colours"]
        path.write_text(json.dumps(manifest))
    return root


def reset(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ledger look at the manifests again, as a new version with another rule does."""
    monkeypatch.setattr("par_core.stages.settings_changed._LABELS", "labels of another version")


def test_colours_are_named_again_without_a_model(
    tmp_path: Path, photos: Path, former: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(former)
    assert {row["upper_color"] for row in before} == {"pink"}
    reset(former, monkeypatch)
    with monkeypatch.context() as patch:
        refuse_models(patch)
        plan, _ = index(former, [photos])
    assert (plan.new, len(list(plan.shards))) == (0, 1)
    index(tmp_path / "fresh", [photos])
    after, fresh = content(former), content(tmp_path / "fresh")
    assert [[row[name] for name in COLUMNS] for row in after] == [
        [row[name] for name in COLUMNS] for row in fresh
    ]
    assert {row["upper_color"] for row in after} == {"red", "green", "blue"}
    others = [name for name in before[0] if name not in (*COLUMNS, "row_digest")]
    assert [[row[name] for name in others] for row in after] == [
        [row[name] for name in others] for row in before
    ]
    assert verify_store(Store.open(former), thorough=True).problems == ()
    assert not list(index(former, [photos])[0].shards), "once"


def test_who_is_in_a_picture_that_is_gone_keeps_the_names(
    photos: Path, former: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "0000.png").unlink()
    reset(former, monkeypatch)
    index(former, [photos])
    named = {Path(row["uri"]).name: set() for row in content(former)}
    for row in content(former):
        named[Path(row["uri"]).name].add(row["upper_color"])
    assert named == {"0000.png": {"pink"}, "0001.png": {"green", "blue"}}
    assert verify_store(Store.open(former), thorough=True).problems == ()
    assert not list(index(former, [photos])[0].shards), "the picture is not asked for every night"
