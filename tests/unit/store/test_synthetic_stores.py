"""Synthetic stores are stores: what the generator writes is committed, verified and accounted for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from par_core.config import load_config
from par_core.stages.check import store_status, verify_store
from par_core.stages.commit import commit_store
from par_core.stages.run import Run
from par_core.store.layout import Store
from par_core.store.vector_index import POLICY

ROOT = Path(__file__).parents[3]
IMAGES = 1_000
SMALL_SHARDS = ("--shard-size", "10", "--segment-id", "s", "--describe-id", "d")


def synthetic(out: Path, *options: str) -> Store:
    script = ROOT / "benchmarks" / "synthetic_store.py"
    command = [sys.executable, "-P", script, "--images", str(IMAGES), "--out", out, *options]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    return Store.open(out)


def files_of(store: Store) -> dict[str, bytes]:
    return {
        str(path.relative_to(store.root)): path.read_bytes()
        for path in sorted(store.root.rglob("*"))
        if path.is_file()
    }


def test_a_synthetic_store_is_committed_and_nothing_of_it_is_wrong(tmp_path: Path) -> None:
    store = synthetic(tmp_path / "store")
    record = commit_store(Run.of(store, load_config(profile="fake")))
    report = verify_store(store)
    assert report.problems == ()
    counted = store_status(store).accounting
    assert (counted.listed, counted.pending, counted.holds) == (IMAGES, 0, True)
    assert min(counted.failed, counted.duplicates, counted.no_people, counted.too_small) > 0
    assert counted.people - 20 < record.rows <= counted.people  # some could not be described
    assert 1.8 * IMAGES < record.rows < 2.2 * IMAGES


@pytest.fixture(scope="module")
def small_shards(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return synthetic(tmp_path_factory.mktemp("one") / "store", *SMALL_SHARDS, "--workers", "1")


def test_the_same_seed_writes_the_same_bytes_with_any_number_of_workers(
    small_shards: Store, tmp_path: Path
) -> None:
    store = synthetic(tmp_path / "store", *SMALL_SHARDS, "--workers", "2")
    assert files_of(store) == files_of(small_shards)
    assert len(files_of(store)) == IMAGES // 10 * 5 + 2


def test_a_copy_of_a_picture_in_another_shard_has_the_same_id_and_people(small_shards: Store) -> None:
    homes: dict[str, set[str]] = {}
    people: dict[tuple[str, str], list[str]] = {}
    for folder, _ in small_shards.complete_shards("segment", "s"):
        for image in folder.read("images")["image_id"].drop_null().to_pylist():
            homes.setdefault(image, set()).add(folder.shard_id)
        rows = folder.read("people", ["image_id", "person_id"])
        for row in rows.to_pylist():
            people.setdefault((row["image_id"], folder.shard_id), []).append(row["person_id"])
    shared = {image: shards for image, shards in homes.items() if len(shards) > 1}
    assert shared
    for image, shards in shared.items():
        assert len({tuple(people.get((image, shard), ())) for shard in shards}) == 1


def test_a_new_index_is_written_in_one_piece_and_not_again(tmp_path: Path) -> None:
    """22,000 people, more than a write of a night holds, are one fragment, and there is one file of data."""
    store = synthetic(tmp_path / "store", "--images", "11000", "--vector-size", "4")
    record = commit_store(Run.of(store, load_config(profile="fake")))
    assert 20_000 < record.rows < POLICY.rows_a_fragment
    assert len(list((store.index_path / "people.lance" / "data").iterdir())) == 1


@pytest.mark.slow
def test_the_benchmark_of_scale_runs_to_its_end(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "scale.py"
    options = ["--images", "400", "--turns", "1", "--without-base", "--scratch", str(tmp_path / "scratch")]
    subprocess.run(
        [sys.executable, "-P", str(script), *options, "--out", str(tmp_path / "r.json")], check=True
    )
    result = json.loads((tmp_path / "r.json").read_text())
    measured = {(record["operation"], record["images"]) for record in result["measurements"]}
    sizes = {100: "verify-thorough", 400: "night", 1600: "night"}
    assert {(operation, size) for size, operation in sizes.items()} <= measured
    assert ("replan, source gone", 1600) in measured


@pytest.mark.slow
def test_the_benchmark_of_many_shards_runs_to_its_end(tmp_path: Path) -> None:
    options = ["--shards", "600", "--scratch", str(tmp_path), "--out", str(tmp_path / "r.json")]
    subprocess.run([sys.executable, "-m", "benchmarks.many_shards", *options], check=True, cwd=ROOT)
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["described"] == 600
    assert 0 < result["planned_after_the_kill"] < 600
