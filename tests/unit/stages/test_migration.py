"""Stores of version 0.1, whose ids digest settings that are in no id now: nothing is computed again."""

import json
from pathlib import Path
from typing import Any

import pytest

from par_core.config import RunConfig, load_config
from par_core.errors import StoreError
from par_core.forget import Request, find_subject, forget
from par_core.ids import digest_of
from par_core.models.fake import FakeDescriber, FakeSegmenter
from par_core.models.fingerprints import Fingerprints
from par_core.stages import migration
from par_core.stages.check import verify_store
from par_core.stages.commit import last_commit, rebuild_index
from par_core.stages.migration import migrate_ids
from par_core.stages.names import ConfigIds
from par_core.stages.run import Run
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.renamed_ids import load_renamed_ids
from tests.indexing import FAKE, content, index
from tests.pictures import archive, save, scene

HIGHER = load_config(profile="fake", segment={"min_height_px": 48}, describe={"thumbnails": True})


def earlier_ids(config: RunConfig, models: Fingerprints) -> ConfigIds:
    """The ids of version 0.1."""
    segment = digest_of("segment/1", config.archive.digest(), config.segment.digest(), models.segmenter)
    return ConfigIds(segment, digest_of("describe/1", segment, config.describe.digest(), models.describer))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])
    save(folder / "middle.png", scene("yellow", person_height=40, seed=50))
    return folder


def stored_by_version_0_1(
    root: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, *configs: RunConfig
) -> Path:
    """A store as version 0.1 leaves it, indexed with some configurations in turn."""
    with monkeypatch.context() as patch:
        patch.setattr("par_core.stages.run.config_ids", earlier_ids)
        patch.setattr("par_core.stages.plan.migrate_ids", lambda _: None)
        for config in configs:
            index(root, [photos], config)
    for path in root.glob("*/*/*/manifest.json"):
        manifest = json.loads(path.read_bytes())
        for name in ("limits", "min_height_px"):
            manifest["info"].pop(name, None)
        path.write_text(json.dumps(manifest))
    return root


def unexpected(*_: object) -> None:
    raise AssertionError("no model should be asked")


def refuse_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSegmenter, "segment", unexpected)
    monkeypatch.setattr(FakeDescriber, "describe", unexpected)


def test_a_store_of_version_0_1_goes_on_without_a_model(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stored_by_version_0_1(tmp_path / "s", photos, monkeypatch, FAKE)
    store, before = Store.open(root), content(root)
    old, new = last_commit(store), Run.of(store, FAKE).ids
    assert old is not None
    assert old.segment_config != new.segment
    refuse_models(monkeypatch)
    plan, _ = index(root, [photos])
    assert not list(plan.shards)
    assert [path.name for path in (root / "segment").iterdir()] == [new.segment]
    assert [path.name for path in (root / "describe").iterdir()] == [new.describe]
    assert content(root) == before
    assert verify_store(store).problems == ()
    for record in store.commits():
        assert json.loads(record.read_bytes())["segment_config"] == new.segment
        assert json.loads(record.read_bytes())["describe_config"] == new.describe
    index(root, [photos])
    assert load_renamed_ids(root).renamed == {
        old.segment_config: new.segment,
        old.describe_config: new.describe,
    }


def test_what_still_has_an_earlier_id_finds_its_shards(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that was not committed to since, and manifests of descriptions."""
    root = stored_by_version_0_1(tmp_path / "s", photos, monkeypatch, FAKE)
    store = Store.open(root)
    migrate_ids(store)
    people, new = PeopleIndex.open(store.index_path), Run.of(store, FAKE).ids
    assert people is not None
    shown = people.info
    assert (store.current_id(shown.segment_config), store.current_id(shown.describe_config)) == (
        new.segment,
        new.describe,
    )
    ((described, manifest),) = store.complete_shards("describe", shown.describe_config)
    segmented = store.shard("segment", manifest.info["segment_config"], described.shard_id)
    assert segmented.manifest() is not None
    assert segmented.path.parent.name == new.segment


def test_a_person_is_forgotten_in_descriptions_that_name_an_earlier_id(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stored_by_version_0_1(tmp_path / "s", photos, monkeypatch, FAKE)
    store = Store.open(root)
    migrate_ids(store)
    rebuild_index(store)
    ids = Run.of(store, FAKE).ids
    ((folder, _),) = store.complete_shards("describe", ids.describe)
    described = folder.read("people")["person_id"].to_pylist()
    report = forget(store, find_subject(store, Request.of(people=described[:1])))
    assert report.exit_code == 0
    assert folder.read("people")["person_id"].to_pylist() == described[1:]


def test_a_store_that_is_not_migrated_yet_can_be_rebuilt(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stored_by_version_0_1(tmp_path / "s", photos, monkeypatch, FAKE)
    before = content(root)
    rebuild_index(Store.open(root))
    assert content(root) == before


@pytest.mark.parametrize(("configs", "people"), [((FAKE, HIGHER), 3), ((HIGHER, FAKE), 4)])
def test_of_two_folders_for_one_id_that_of_the_last_commit_counts(
    tmp_path: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    configs: tuple[RunConfig, ...],
    people: int,
) -> None:
    root = stored_by_version_0_1(tmp_path / "s", photos, monkeypatch, *configs)
    store, before = Store.open(root), content(root)
    other = earlier_ids(configs[0], Run.of(store, FAKE).models)
    refuse_models(monkeypatch)
    for _ in range(2):
        plan, commit = index(root, [photos], configs[-1])
        assert not list(plan.shards)
        assert commit.rows == people
    assert content(root) == before
    assert {path.name for path in (root / "segment").iterdir()} == {commit.segment_config, other.segment}
    assert {path.name for path in (root / "describe").iterdir()} == {commit.describe_config, other.describe}
    assert verify_store(store).problems == ()


def test_a_migration_killed_at_any_step_is_finished_by_the_next_run(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stored_by_version_0_1(tmp_path / "s", photos, monkeypatch, FAKE, HIGHER, FAKE)
    before, rename, save_ids, write = (
        content(root),
        Path.rename,
        migration.save_renamed_ids,
        migration.write_atomic,
    )

    class Killed(BaseException):
        pass

    steps = 0
    for survived in range(20):
        left = survived

        def some(step: Any, *arguments: Any) -> Any:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            return step(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", lambda *arguments: some(rename, *arguments))
            patch.setattr(migration, "save_renamed_ids", lambda *arguments: some(save_ids, *arguments))
            patch.setattr(migration, "write_atomic", lambda *arguments: some(write, *arguments))
            try:
                migrate_ids(Store.open(root))
                break
            except Killed:
                steps += 1
    assert steps >= 4
    refuse_models(monkeypatch)
    plan, _ = index(root, [photos])
    assert not list(plan.shards)
    assert content(root) == before
    assert len(list((root / "segment").iterdir())) == 2
    assert verify_store(Store.open(root)).problems == ()


def test_a_damaged_record_of_ids_is_named(tmp_path: Path, photos: Path) -> None:
    index(tmp_path / "s", [photos])
    (tmp_path / "s" / "ids.json").write_text("{")
    with pytest.raises(StoreError, match=r"ids\.json is damaged"):
        migrate_ids(Store.open(tmp_path / "s"))
