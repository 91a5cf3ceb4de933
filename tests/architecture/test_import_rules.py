"""The dependency diagram as failing checks, and proof that each check can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")

BREACHES = {
    "flows compose tasks": ("par_core/ids.py", "import tasks"),
    "only flows know an orchestrator": ("tasks/shards.py", "import prefect"),
    "torch only under models": ("par_core/people/geometry.py", "import torch"),
    "lancedb only in par_core.store.lance": ("par_core/store/listings.py", "import lancedb"),
    "rooms of par_core": ("par_core/archive/decode.py", "import par_core.query.searching"),
    "no circles": ("par_core/metrics/label_based.py", "import par_core.metrics.attributes"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("par_core", "tasks", "flows"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT, "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(folder), "PATH": ""},
    )


def test_import_rules_hold(copy: Path) -> None:
    run = lint_imports(copy)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("contract", BREACHES)
def test_each_import_rule_can_fail(copy: Path, contract: str) -> None:
    file, line = BREACHES[contract]
    path = copy / file
    path.write_text(f"{path.read_text()}\n{line}\n")
    run = lint_imports(copy)
    assert run.returncode != 0
    assert any(contract in broken for broken in run.stdout.splitlines() if "BROKEN" in broken), run.stdout
