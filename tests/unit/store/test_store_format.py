"""The number of the store's format: who reads which, and when it rises."""

import json
from pathlib import Path

import pytest

from par_core.errors import StoreError
from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.marker import FORMAT
from tests.indexing import content, index
from tests.pictures import archive


def stored(root: Path) -> dict[str, object]:
    return json.loads((root / "store.json").read_bytes())


def with_format(root: Path, number: object) -> Path:
    (root / "store.json").write_text(json.dumps({"format": number, "created_by": "par 0.1.0"}))
    return root


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", [("red",), ()])


def test_a_new_store_has_the_format_of_this_version(tmp_path: Path) -> None:
    Store.create(tmp_path / "s")
    assert stored(tmp_path / "s")["format"] == FORMAT == 2


def test_a_store_of_the_first_format_is_read_as_it_is_and_rises_with_the_first_run(
    tmp_path: Path, photos: Path
) -> None:
    root = tmp_path / "s"
    index(root, [photos])
    before = content(root)
    with_format(root, 1)
    store = Store.open(root)
    assert store_status(store).rows == 1
    assert verify_store(store).problems == ()
    assert stored(root)["format"] == 1, "nothing was written"
    plan, _ = index(root, [photos])
    assert plan.new == 0
    assert stored(root) == {"format": 2, "created_by": "par 0.1.0"}
    assert content(root) == before


def test_the_format_rises_before_anything_else_changes(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = with_format(Store.create(tmp_path / "s").root, 1)

    def killed(*_: object) -> None:
        assert stored(root)["format"] == 2
        raise KeyboardInterrupt

    monkeypatch.setattr("par_core.stages.migration.load_renamed_ids", killed)
    with pytest.raises(KeyboardInterrupt):
        index(root, [photos])
    assert {path.name for path in root.iterdir()} <= {"store.json", "run.lock"}


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    root = with_format(Store.create(tmp_path / "s").root, 3)
    for make in (Store.open, Store.create):
        with pytest.raises(StoreError, match=f"^{root} has store format 3, which a newer version of PAR has"):
            make(root)
    assert stored(root)["format"] == 3


@pytest.mark.parametrize("number", ["2", 0, None, 1.5, True])
def test_what_is_no_number_of_a_format_is_damage(number: object, tmp_path: Path) -> None:
    root = with_format(Store.create(tmp_path / "s").root, number)
    with pytest.raises(StoreError, match=r"store.json is damaged \(format .*bring it back from a backup"):
        Store.open(root)
