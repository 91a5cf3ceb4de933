"""``par export`` as a user types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.errors import BadConfigError
from tests.indexing import index
from tests.pictures import archive


@pytest.fixture
def store(tmp_path: Path) -> Path:
    index(tmp_path / "store", [archive(tmp_path / "photos", [("red",), ("green", "blue")])])
    return tmp_path / "store"


def run(store: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["export", *arguments, "--store", str(store), "--profile", "fake"])


def test_an_export_says_how_many_and_where(store: Path, tmp_path: Path) -> None:
    result = run(store, "csv", "--out", str(tmp_path / "out"), "--where", "upper_color = 'red'")
    assert (result.exit_code, result.stdout) == (0, f"1 person in {tmp_path / 'out'}\n")


def test_people_without_a_picture_give_exit_code_1(store: Path, tmp_path: Path) -> None:
    (tmp_path / "photos" / "0000.png").unlink()
    result = run(store, "parquet", "--out", str(tmp_path / "out"), "--crops", "keep", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["people"], report["missing"]) == (3, 1)


def test_an_existing_folder_is_refused(store: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert isinstance(run(store, "csv", "--out", str(tmp_path / "out")).exception, BadConfigError)
    assert run(store, "xlsx", "--out", str(tmp_path / "other")).exit_code == 2
