"""``par searches``, and saved searches at the end of ``par index``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.main import main
from par_core.access import Access
from tests.indexing import index
from tests.pictures import archive, save, scene
from tests.unit.alerts.receiver import receiver

PAR = str(Path(sys.executable).with_name("par"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", [("red",), ("green", "blue")])


def par(*arguments: object, env: dict[str, str], code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [PAR, *map(str, arguments)], env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == code, done.stderr
    return done


def test_each_run_tells_who_is_new_and_a_target_that_is_away_gets_it_later(
    tmp_path: Path, photos: Path, prefect_environment: dict[str, str]
) -> None:
    store, env = tmp_path / "store", {**prefect_environment, "HOOK_SECRET": "s3cr3t"}
    run = ("index", photos, "--store", store, "--profile", "fake", "--runner", "threads")
    par(*run, env=env)
    with receiver() as target:
        target.statuses = [404, 200]
        added = par(
            *("searches", "add", "red", "upper:red", "--store", store, "--profile", "fake"),
            *("--webhook", target.address, "--secret-env", "HOOK_SECRET"),
            *("--json-file", tmp_path / "news.json"),
            env=env,
        )
        assert "finds 1 person now" in added.stdout
        save(photos / "new.png", scene("red", seed=9))
        indexed = par(*run, env=env)  # the run is done, whatever the target says
        assert "par: warning: saved search red: 1 new of 2 people; 1 news not sent yet" in indexed.stderr
        assert len(target.requests) == 1
        again = par(*run, env=env)
        assert "saved search" not in again.stderr
        assert [content["number"] for content in target.contents] == [1, 1]
    shown = json.loads(par("searches", "show", "red", "--store", store, env=env).stdout)
    assert [news["delivered"] for news in shown["news"]] == [True]
    assert shown["webhook"] == "http://127.0.0.1"
    assert [one["new"] for one in json.loads((tmp_path / "news.json").read_bytes())["news"]] == [1]
    listed = par("searches", "list", "--store", store, env=env).stdout
    assert "2 found" in listed
    log = b"".join(path.read_bytes() for path in (store / "access").rglob("*.jsonl"))
    told = [*(done.stdout + done.stderr for done in (added, indexed, again)), listed, json.dumps(shown)]
    assert not any("s3cr3t" in text or "SECRET" in text for text in (*told[:-1], log.decode()))
    actions = [event.action for event in Access.open(store).log.read(None)]
    assert actions.count("run_saved_searches") == 2
    assert "add_saved_search" in actions
    par("searches", "remove", "red", "--store", store, env=env)
    assert par("searches", "list", "--store", store, env=env).stdout == "No saved searches.\n"


def test_commands_end_as_others_do(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    index(store, [photos])
    fake = ("--store", store, "--profile", "fake")

    def searches(*arguments: object, code: int = 0) -> tuple[str, str]:
        """What the command prints, which runs in this process."""
        monkeypatch.setattr(sys, "argv", ["par", "searches", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == code
        return capsys.readouterr()

    assert "no colour 'rde'" in searches("add", "x", "upper:rde", *fake, code=2)[1]
    searches("add", "x", "upper:red", *fake, "--webhook", "ftp://example.org", code=2)
    searches("run", "nobody", *fake, code=2)
    searches("remove", "nobody", "--store", store, code=2)
    searches("add", "red", "upper:red", *fake)
    outcomes = json.loads(searches("run", *fake, "--json")[0])
    assert outcomes == [{"name": "red", "found": 1, "new": 0, "pending": 0, "trouble": ""}]
    record = store / "searches" / "red.json"
    record.write_text(record.read_text().replace("upper:red", "upper:rde"))
    assert "trouble" in searches("run", *fake, code=1)[0]
