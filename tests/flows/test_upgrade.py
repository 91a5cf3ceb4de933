"""A store that version 0.1.0 itself made: today's version goes on with it, and the way back is a copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.layout import Store
from tests.indexing import content, index
from tests.pictures import archive
from tests.unit.stages.test_migration import refuse_models

ROOT = Path(__file__).parents[2]
#: The state of this repository from which version 0.1.0 was released.
RELEASED = "fe8954d7"
GROUPS = [("red",), ("green", "blue"), (), ("yellow",)] * 4


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """The code of version 0.1.0."""
    code = tmp_path / "former"
    code.mkdir()
    typed = ["git", "-C", str(ROOT), "archive", RELEASED, "par_core", "flows", "tasks"]
    packed = subprocess.run(typed, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"needs the history of the repository: {packed.stderr.decode().strip()}")
    subprocess.run(["tar", "--extract", "--directory", str(code)], input=packed.stdout, check=True)
    return code


def types(former: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command of version 0.1.0, in a process that sees none of today's code."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "flows.cli", *map(str, arguments)],
        cwd=former,
        env={**os.environ, "PYTHONPATH": str(former)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def without_measures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what version 0.1.0 did not measure, and the score that follows from it."""
    return [{key: row[key] for key in row.keys() - {"sharpness", "cutout"}} for row in rows]


@pytest.mark.slow
def test_a_store_of_0_1_goes_on_without_a_model_and_its_copy_is_the_way_back(
    tmp_path: Path, former: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, root, backup = archive(tmp_path / "photos", GROUPS), tmp_path / "s", tmp_path / "backup"
    fake = ("--profile", "fake", "--runner", "threads")
    made = types(former, "index", photos, "--store", root, *fake)
    assert made.returncode == 0, made.stderr
    shutil.copytree(root, backup)

    store = Store.open(root)
    before = {row["person_id"] for row in content(root)}
    assert len(before) == sum(map(len, GROUPS))
    assert verify_store(store).problems == ()
    refuse_models(monkeypatch)
    plan, _ = index(root, [photos])
    assert (plan.new, plan.vanished) == (0, 0)
    assert verify_store(store, thorough=True).problems == ()
    status = store_status(store)
    assert status.live_version == status.version is not None
    monkeypatch.undo()

    index(tmp_path / "fresh", [photos])
    after = content(root)
    assert {row["person_id"] for row in after} == before
    assert {row["sharpness"] for row in after} == {None}, "it takes the photograph"
    assert without_measures(after) == without_measures(content(tmp_path / "fresh"))

    for command in (["status"], ["index", photos, *fake], ["search", "a man"], ["verify"]):
        refused = types(former, *command, "--store", root)
        assert refused.returncode != 0, "docs/operations.md says that 0.1.0 reads no store that went on"
        assert "has store format 2, this version of PAR reads 1" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert verify_store(store, thorough=True).problems == ()
    again = types(former, "verify", "--store", backup)
    assert again.returncode == 0, again.stdout + again.stderr
    assert types(former, "index", photos, "--store", backup, *fake).returncode == 0
