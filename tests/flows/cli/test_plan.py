"""``par plan``: it foresees what ``par index`` then does, and writes nothing."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from flows.console.plan import predict
from par_core.access import Access, Role
from par_core.config import RunConfig, load_config
from par_core.errors import BadConfigError
from par_core.stages.foresee import Foreseen, foresee
from par_core.stages.plan import Plan
from par_core.stages.run import Run
from par_core.stages.sample import Range, mean_of, sample_files
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import archive, save, scene

GROUPS = [("red",), ("green", "blue"), (), ("yellow",)]


def par(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def planned(store: Path, *arguments: object) -> dict[str, Any]:
    done = par("plan", *arguments, "--store", store, "--profile", "fake", "--workers", 2, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of everything in a folder."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def compared(store: Path, sources: list[Path], config: RunConfig = FAKE, **options: bool) -> Foreseen:
    """What is foreseen, held against what a run then finds."""
    names = [str(source) for source in sources]
    foreseen = foresee(Run.of(Store(store), config), names, **options)
    plan: Plan
    plan, _ = index(store, sources, config, **options)
    assert foreseen.listed == plan.listed
    assert foreseen.new + foreseen.changed + foreseen.pending == plan.new
    assert foreseen.retried == plan.retried
    assert foreseen.unchanged == plan.unchanged
    assert foreseen.expected == plan.expected
    assert foreseen.vanished == plan.vanished
    assert len(foreseen.due) + foreseen.to_describe == plan.n_images
    return foreseen


def test_it_foresees_new_changed_vanished_moved_and_failed_files(tmp_path: Path) -> None:
    photos, store = archive(tmp_path / "photos", GROUPS), tmp_path / "s"
    (photos / "letter.png").write_bytes(b"no picture")
    first = compared(store, [photos])
    assert (first.new, first.first) == (5, True)
    pictures = sorted(photos.glob("*.*"))
    pictures[1].unlink()
    save(pictures[2], scene("magenta", seed=9))
    save(photos / "further.png", scene("cyan", seed=10))
    shutil.copy2(pictures[0], photos / "copied.png")
    later = compared(store, [photos])
    assert (later.new, later.changed, later.vanished, later.expected) == (2, 1, 1, 1)
    assert (later.failed_before, later.retried, later.first) == (1, 0, False)
    assert compared(store, [photos], retry_failed=True).retried == 1


def test_it_foresees_that_other_settings_describe_everybody_again(tmp_path: Path) -> None:
    photos, store = archive(tmp_path / "photos", GROUPS), tmp_path / "s"
    index(store, [photos])
    other = load_config(profile="fake", describe={"cutout": {"background": "keep"}})
    assert compared(store, [photos], other).to_describe == len(GROUPS)


def test_what_a_stopped_run_has_left_and_what_was_forgotten(tmp_path: Path) -> None:
    from par_core.stages.plan import plan_index
    from par_core.store.suppression import load_suppression_list

    photos, store = archive(tmp_path / "photos", GROUPS), tmp_path / "s"
    plan_index(Run.of(Store.create(store), FAKE), [str(photos)], workers=1)
    assert compared(store, [photos]).pending == len(GROUPS)
    forgotten = sorted(photos.glob("*.*"))[0]
    done = par("forget", "--source", forgotten, "--store", store, "--yes")
    assert done.exit_code == 0, done.output
    assert load_suppression_list(Store(store)).files or load_suppression_list(Store(store)).places
    assert len(compared(store, [photos]).due) == 0


def test_it_writes_nothing_to_the_store_and_makes_none(tmp_path: Path) -> None:
    photos, store = archive(tmp_path / "photos", GROUPS), tmp_path / "s"
    planned(store, photos)
    assert not store.exists()
    index(store, [photos])
    Access.open(store).tokens.add("anna", Role.SEARCH)
    save(photos / "further.png", scene("cyan", seed=10))
    before, ledger = state_of(store), next((store / "ledger").glob("*.db")).read_bytes()
    answer = planned(store, photos)
    assert (answer["due"], answer["sample"]["files"]) == (1, 1)
    assert state_of(store) == before
    assert next((store / "ledger").glob("*.db")).read_bytes() == ledger


def test_the_prediction_is_near_what_the_run_then_has(tmp_path: Path) -> None:
    groups = [("red",), ("green", "blue"), (), ("yellow",), ("cyan",)] * 8
    photos, store = archive(tmp_path / "photos", groups), tmp_path / "s"
    answer = planned(store, photos, "--sample", 40)
    people = sum(map(len, groups))
    assert (answer["due"], answer["sample"]["files"], answer["sample"]["groups"]) == (40, 40, 8)
    predicted = answer["predicted"]
    assert predicted["index_rows"]["mean"] == pytest.approx(people)
    _, commit = index(store, [photos])
    assert commit.rows == people
    assert predicted["index_rows"]["low"] < people < predicted["index_rows"]["high"]
    stored = sum(
        path.stat().st_size
        for stage in ("segment", "describe")
        for path in (store / stage).rglob("*")
        if path.is_file()
    )
    shards = len(list((store / "segment").glob("*/*/manifest.json")))
    planned_shards = 3  # of 16 files at most; index() here has one worker, and makes the same
    assert shards == planned_shards
    assert predicted["parquet_bytes"]["mean"] == pytest.approx(stored, rel=0.15)
    hours = predicted["hours"]
    assert 0 < hours["low"] <= hours["mean"] <= hours["high"]
    assert hours["mean"] == pytest.approx(answer["sample"]["seconds"]["mean"] * 40 / 2 / 3600)


def test_an_interval_holds_the_mean_of_all_files_about_as_often_as_it_says() -> None:
    random, hits = np.random.default_rng(0), 0
    for _ in range(400):
        each = random.gamma(2.0, 0.5, (8, 8))  # of mean 1
        found = mean_of(each.sum(axis=1).tolist(), [8] * 8)
        hits += found.low < 1.0 < found.high
    assert 0.90 < hits / 400 < 0.99


def test_one_group_gives_no_interval_and_says_so(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",)])
    done = par("plan", photos, "--store", tmp_path / "s", "--profile", "fake", "--sample", 1)
    assert done.exit_code == 0, done.exception
    assert "1 file listed: 1 new" in done.stdout
    assert "there are no intervals" in done.stdout
    assert "(" not in next(line for line in done.stdout.splitlines() if line.startswith("the night:"))


def test_known_pictures_cost_no_time_and_workers_share_the_rest(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    run = Run.of(Store(tmp_path / "s"), FAKE)
    foreseen = foresee(run, [str(photos)])
    sample = sample_files(run, foreseen.due, 4)
    assert sample is not None
    one, four = (predict(foreseen, sample, workers, 1).hours.mean for workers in (1, 4))
    assert one == pytest.approx(4 * four)
    assert Range(2.0, 1.0, None).times(3) == Range(6.0, 3.0, None)


def test_a_tar_that_is_compressed_is_in_no_sample(tmp_path: Path) -> None:
    import tarfile

    photos = archive(tmp_path / "photos", GROUPS)
    with tarfile.open(tmp_path / "night.tar.gz", "w:gz") as tar:
        for path in sorted(photos.iterdir()):
            tar.add(path, path.name)
    assert planned(tmp_path / "s", tmp_path / "night.tar.gz")["sample"] is None
    both = planned(tmp_path / "s", tmp_path / "night.tar.gz", photos)
    assert (both["due"], both["sample"]["files"], both["sample"]["left_out"]) == (8, 4, 4)


def test_wrong_questions_are_refused_and_an_emptied_source_is_named(tmp_path: Path) -> None:
    photos, store = archive(tmp_path / "photos", GROUPS), tmp_path / "s"
    missing = par("plan", tmp_path / "none", "--store", store, "--profile", "fake")
    assert isinstance(missing.exception, BadConfigError)
    far = par("plan", photos, "--store", store, "--profile", "fake", "--scheduler", "tcp://10.0.0.5:8786")
    assert "--workers" in str(far.exception)
    index(store, [photos])
    for path in photos.iterdir():
        os.unlink(path)
    emptied = par("plan", photos, "--store", store, "--profile", "fake")
    assert emptied.exit_code == 1
    assert "is it mounted?" in emptied.stderr
    assert "0 files listed" in emptied.stdout


def test_a_dry_run_of_par_index_is_the_same_and_writes_nothing(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])
    common = [photos, "--store", tmp_path / "s", "--profile", "fake", "--retry-failed", "--json"]
    foreseen, dry = (
        json.loads(par(*command, *common).stdout) for command in (["plan"], ["index", "--dry-run"])
    )
    assert foreseen.keys() == dry.keys()
    assert {name: dry[name] for name in ("listed", "new")} == {"listed": 3, "new": 3}
    assert not (tmp_path / "s").exists()
