"""Old names of commands, options, roles, addresses and folders work for one more release, with a note."""

import json
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.access import Access, Role
from par_core.forget import Request, find_subject
from par_core.forget.journal import Journal, load_journal, save_journal
from par_core.store.layout import Store
from tests.indexing import index
from tests.pictures import archive
from tests.serving import client_of


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("before")
    index(root / "store", [archive(root / "photos", [("red",), ("blue", "green"), ("red",)])])
    return root / "store"


def par(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def test_old_options_of_a_search_give_the_same_answer_and_a_note(store: Path) -> None:
    common = ("search", "red", "--store", store, "--profile", "fake", "--json")
    old = par(*common, "--weak", "--apart", "--include-absent")
    new = par(*common, "--include-low-confidence", "--no-grouping", "--include-missing")
    assert (old.exit_code, old.stdout) == (0, new.stdout)
    assert "note: --weak is now --include-low-confidence" in old.stderr
    assert "note: --apart is now --no-grouping" in old.stderr
    assert "note: --include-absent is now --include-missing" in old.stderr
    assert "note" not in new.stderr


def test_a_text_that_looks_like_an_old_option_stays_a_text(store: Path) -> None:
    searched = par("search", "--store", store, "--profile", "fake", "--", "--weak")
    assert "note" not in searched.stderr


def test_the_old_command_of_a_review_works(store: Path) -> None:
    old = par("hunt", "--list", "--store", store)
    assert old.exit_code == 0
    assert "note: par hunt is now par review" in old.stderr


def test_completion_of_an_old_command_prints_no_note() -> None:
    shell = {"_PAR_COMPLETE": "complete_bash", "COMP_WORDS": "par hunt --re", "COMP_CWORD": "2"}
    completed = CliRunner().invoke(app, [], env=shell, prog_name="par")
    assert "--resume" in completed.stdout
    assert "note" not in completed.stdout + completed.stderr


def test_the_old_name_of_a_role_counts(store: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(store, tmp_path / "store"))
    added = par("tokens", "add", "anna", "--role", "judge", "--store", store)
    assert "note: the role judge is now reviewer" in added.stderr
    tokens = store / "access" / "tokens.json"
    tokens.write_text(tokens.read_text().replace("reviewer", "judge"))
    assert Access.open(store).caller_of(added.stdout.split()[-1]).role is Role.REVIEWER  # type: ignore[union-attr]
    assert par("tokens", "revoke", "anna", "--store", store).exit_code == 0


def test_old_addresses_lead_to_the_new_ones(store: Path) -> None:
    with client_of(store) as client:
        assert isinstance(client, TestClient)
        moved = client.get("/hunts/a-hat?part=1", follow_redirects=False)
        assert (moved.status_code, moved.headers["location"]) == (308, "/reviews/a-hat?part=1")
        assert client.get("/hunts").status_code == 200
        sent = client.post("/hunts", data={"text": "red"}, follow_redirects=False)
        assert (sent.status_code, sent.headers["location"]) == (308, "/reviews")


def test_folders_of_the_release_before_are_renamed_and_kept(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    (store.root / "hunts").mkdir()
    (store.root / "hunts" / "hat.json").write_text("{}")
    (store.root / "receipts").mkdir()
    assert (store.reviews_path / "hat.json").read_text() == "{}"
    assert store.certificates_path == store.root / "certificates"
    assert not (store.root / "hunts").exists()
    assert not (store.root / "receipts").exists()


def test_files_of_the_folder_before_join_those_of_the_new_one(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    for folder, name, text in (("hunts", "hat", "old"), ("reviews", "hat", "new"), ("hunts", "coat", "only")):
        (store.root / folder).mkdir(exist_ok=True)
        (store.root / folder / f"{name}.json").write_text(text)
    assert {path.stem: path.read_text() for path in store.reviews_path.iterdir()} == {
        "hat": "new",
        "hat-2": "old",
        "coat": "only",
    }
    assert not (store.root / "hunts").exists()


def test_an_erasure_that_the_release_before_began_is_finished(store: Path, tmp_path: Path) -> None:
    copy = Store.open(Path(shutil.copytree(store, tmp_path / "store")))
    person = json.loads(par("search", "red", "--store", copy.root, "--profile", "fake", "--json").stdout)
    subject = find_subject(copy, Request("person", (person["results"][0]["person_id"],)))
    save_journal(copy, Journal("0123456789abcdef", "2026-11-01T00:00:00+00:00", {}, (1,), subject))
    content = json.loads(copy.forgetting_path.read_text())
    content["receipt_id"] = content.pop("certificate_id")
    content["tombstones"] = content.pop("suppression_list")
    copy.forgetting_path.write_text(json.dumps(content))
    assert load_journal(copy) == Journal("0123456789abcdef", "2026-11-01T00:00:00+00:00", {}, (1,), subject)
    assert par("forget", "--finish", "--store", copy.root).exit_code == 0
    assert not copy.forgetting_path.exists()
