"""``par gate``, ``par search --version`` and ``par status`` as a user types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.errors import BadConfigError
from tests.indexing import index
from tests.pictures import archive, save, scene

EXPECTED = "queries: [{{text: a red person, at_least: {least}}}]"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", [("red",), ("green", "blue"), (), ("yellow",)])


@pytest.fixture
def store(tmp_path: Path, photos: Path) -> Path:
    index(tmp_path / "store", [photos])
    return tmp_path / "store"


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    (tmp_path / "golden.yaml").write_text(EXPECTED.format(least=1))
    return tmp_path / "golden.yaml"


def par(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_pass_and_a_failure_have_their_exit_codes_and_status_shows_both(
    store: Path, photos: Path, golden: Path
) -> None:
    passed = par("gate", "--store", store, "--golden", golden, "--profile", "fake")
    assert passed.exit_code == 0, passed.output
    version = json.loads(par("status", "--store", store, "--json").stdout)["live_version"]
    assert passed.stdout == f"version {version} passed the gate (2 checks)\nlive: version {version}\n"
    save(photos / "new.png", scene("yellow", seed=77))
    index(store, [photos])
    golden.write_text(EXPECTED.format(least=2))
    failed = par("gate", "--store", store, "--golden", golden, "--profile", "fake")
    assert failed.exit_code == 1
    assert f"version {version} stays live\nfailed: a red person: expected at least 2 hits" in failed.stdout
    status = par("status", "--store", store).stdout
    assert f"live: version {version}, which searches read; newest: version" in status
    assert "failed: a red person: expected at least 2 hits" in status
    for chosen, people in [("live", 1), ("latest", 2), (version, 1)]:
        done = par(
            "search",
            "--store",
            store,
            "--where",
            "upper_color = 'yellow'",
            "--profile",
            "fake",
            "--version",
            chosen,
            "--json",
        )
        assert len(json.loads(done.stdout)["results"]) == people
    rebuilt = par("rebuild", "--store", store)
    assert f"searches still read version {version}, which is live" in rebuilt.stdout


def test_a_dry_run_as_json(store: Path, golden: Path) -> None:
    done = par("gate", "--store", store, "--golden", golden, "--profile", "fake", "--dry-run", "--json")
    report = json.loads(done.stdout)
    assert (done.exit_code, report["passed"], report["live_before"], len(report["findings"])) == (
        0,
        True,
        report["version"],
        2,
    )
    status = json.loads(par("status", "--store", store, "--json").stdout)
    assert (status["live_version"], status["gate"]) == (report["version"], None)


def test_questions_with_another_model_than_the_stores_do_not_pass(store: Path, golden: Path) -> None:
    done = par("gate", "--store", store, "--golden", golden)
    assert done.exit_code == 1
    assert "got the store was filled with the embedding" in done.stdout


def test_bad_settings_are_refused(store: Path, tmp_path: Path, golden: Path) -> None:
    golden.write_text("queries: 3")
    for arguments in (
        ("gate", "--store", store, "--golden", golden),
        ("gate", "--store", tmp_path / "none", "--golden", golden),
        ("search", "a man", "--store", store, "--version", "newest"),
        ("index", tmp_path / "photos", "--store", tmp_path / "new", "--golden", golden),
    ):
        assert isinstance(par(*arguments).exception, BadConfigError), arguments
    assert not (tmp_path / "new").exists()  # a wrong golden file is refused before any work


def test_a_version_that_passes_is_told_to_saved_searches_and_one_that_fails_is_not(
    store: Path, photos: Path, golden: Path
) -> None:
    fake = ("--store", store, "--profile", "fake")
    assert par("gate", "--golden", golden, *fake).exit_code == 0
    added = par("searches", "add", "yellow", "upper:yellow", *fake)
    assert added.exit_code == 0, added.output
    save(photos / "new.png", scene("yellow", seed=77))
    index(store, [photos])
    golden.write_text(EXPECTED.format(least=2))
    assert "saved search" not in par("gate", "--golden", golden, *fake).stderr
    golden.write_text(EXPECTED.format(least=1))
    assert "saved search" not in par("gate", "--golden", golden, "--dry-run", *fake).stderr
    passed = par("gate", "--golden", golden, *fake)
    assert passed.stderr == "par: saved search yellow: 1 new of 2 people\n"
    assert "saved search" not in par("gate", "--golden", golden, *fake).stderr
