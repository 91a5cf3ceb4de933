"""What the report of a run says."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.index import run_index
from par_core.config import load_config
from tests.pictures import archive


def test_a_report_counts_the_shards_that_could_not_be_finished_and_names_a_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    config = load_config(profile="fake", machine={"runner": "threads", "workers": 1})
    photos = archive(tmp_path / "photos", [("red",)])
    report = run_index([str(photos)], tmp_path / "s", config, quiet=True)
    assert report.as_json()["failed_shards"] == []
    failed = {f"{number:02}": "workers died" for number in range(100)}
    assert replace(report, failed_shards=failed).as_json()["failed_shards"] == [
        {"reason": "workers died", "shards": 100, "first": ["00", "01", "02"]}
    ]
