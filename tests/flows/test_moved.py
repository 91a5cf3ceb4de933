"""A run says how many files it has recognised."""

from pathlib import Path

import pytest

from flows.index import run_index
from par_core.config import load_config
from tests.pictures import archive


def test_a_run_counts_the_files_that_it_has_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    config = load_config(profile="fake", machine={"runner": "threads", "workers": 1})
    photos = archive(tmp_path / "a", [("red",), ("green", "blue"), ()])
    first = run_index([str(photos)], tmp_path / "s", config)
    assert (first.recognised, first.as_json()["planned"]["expected"]) == (0, 0)
    assert "recognised" not in str(first)
    capfd.readouterr()
    moved = photos.rename(tmp_path / "b")
    archive(moved / "more", [("yellow",)])
    second = run_index([str(moved)], tmp_path / "s", config)
    assert (second.recognised, second.as_json()["recognised"], second.plan.expected) == (3, 3, 3)
    printed = capfd.readouterr().err
    assert (
        "4 new or changed, 0 to retry, 0 unchanged, 0 vanished; 3 have size and version of known" in printed
    )
    assert "; 3 recognised by content; " in printed
    again = run_index([str(moved)], tmp_path / "s", config, quiet=True)
    assert again.recognised == 0
