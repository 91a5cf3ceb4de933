"""The page on scale has a place for every table of its command; lines are prolonged as the page says."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "benchmarks" / "scale_model.py"


def measured(operation: str, images: int, cpu_s: float, peak_mb: int) -> dict[str, Any]:
    cost = {"cpu_s": cpu_s, "wall_s": cpu_s, "read_bytes": 1e3 * images, "written_bytes": 0.0}
    costs = {"plan": cost, "models": cost | {"cpu_s": 1e6}} if operation == "night" else {"operation": cost}
    return {
        "build": "new",
        "operation": operation,
        "images": images,
        "people": 2 * images,
        "costs": costs,
        "peak_mb": peak_mb,
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    records = [
        measured("night", 1_000_000, 2.0, 300),
        measured("night", 4_000_000, 5.0, 300),
        measured("rebuild", 1_000_000, 50.0, 1_000),
        measured("rebuild", 2_000_000, 100.0, 2_000),
    ]
    path = tmp_path / "scale.json"
    content = {
        "date": "2026-11-29T00:00:00+00:00",
        "commit": "abc",
        "base": "def",
        "machine": {"processor": "a processor", "cores": 2, "load_before": 0.0},
        "versions": {"python": "3.11", "lancedb": "1", "pyarrow": "1"},
        "seed": 0,
        "command": "scale.py",
        "images": 1_000_000,
        "targets": [],
        "store_bytes": {"index.lance": 10**9, "segment": 10**9},
        "measurements": records,
    }
    path.write_text(json.dumps(content))
    return path


def run(*arguments: object) -> str:
    command = [sys.executable, "-P", str(MODEL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def rows(tables: str, first: str) -> list[list[str]]:
    lines = [line for line in tables.splitlines() if line.startswith(f"| {first} ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_table_has_one_place_in_the_page(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "scale.md"
    shutil.copy(ROOT / "docs" / "scale.md", page)
    run("--results", results, "--write", page)
    once = page.read_text()
    assert "a processor" in once
    run("--results", results, "--write", page)
    assert page.read_text() == once


def test_costs_are_prolonged_from_the_two_largest_sizes_without_the_models(results: Path) -> None:
    tables = run("--results", results)
    night = rows(tables, "a night with 1,000 new images (plan, commit)")
    slope, at_large = night[0], night[1]
    assert slope[1:6] == ["4,000,000", "5.00", "1.00", "300", "0"]
    assert at_large[1:4] == ["101.0 s", "0.3", "100.0"]  # 5 s and 96 M images more at 1 us each


def test_the_smallest_size_that_reaches_a_limit_comes_first(results: Path) -> None:
    tables = run("--results", results, "--memory-gb", 10, "--maintenance-hours", 1)
    limits = tables[tables.index("limits:") :]
    rebuild = rows(limits, "the first commit, or a rebuild")
    assert [row[1:] for row in rebuild] == [["10 GB", "10 M"], ["60.0 min", "72 M"]]
    assert limits.splitlines()[4] == "| the first commit, or a rebuild | 10 GB | 10 M |"


def test_what_a_later_run_measured_takes_the_place_of_the_earlier(results: Path, tmp_path: Path) -> None:
    earlier = json.loads(results.read_text())
    kept, again = (
        {"measure": name, "unit": "s", "values": [1.0], "at_most": 2} for name in ("kept row", "row again")
    )
    earlier["targets"] = [kept | {"result": 1.0, "met": True}, again | {"result": 3.0, "met": False}]
    results.write_text(json.dumps(earlier))
    rebuilt = [measured("rebuild", size, cost, 900) for size, cost in ((1_000_000, 40.0), (2_000_000, 80.0))]
    later = earlier | {
        "commit": "xyz",
        "targets": [kept | {"result": None, "met": None}, again | {"result": 1.5, "met": True}],
        "measurements": rebuilt,
    }
    (tmp_path / "later.json").write_text(json.dumps(later))
    tables = run("--results", results, "--later", tmp_path / "later.json")
    assert [rows(tables, name)[0][2] for name in ("kept row", "row again")] == ["1", "1.5"]
    assert "Again, for some rows (row again). Measured on 2026-11-29: commit xyz" in tables
    assert rows(tables, "the first commit, or a rebuild")[0][2] == "80.00"
    assert rows(tables, "a night with 1,000 new images (plan, commit)")[0][2] == "5.00"
