"""``par forget`` on the command line."""

import json
from pathlib import Path

import pytest

from par_core.access import Access
from par_core.errors import BadConfigError, StoreError
from par_core.forget.certificate import digest_in_certificate
from par_core.store.layout import Store
from tests.forgetting import anywhere, assert_well, par, people_of
from tests.indexing import content


def test_the_command_asks_looks_and_erases(root: Path) -> None:
    erased = people_of(root, "0003.png")[0]
    before = content(root)
    looked = par("forget", "--image", erased["image_id"], "--store", root, "--dry-run", "--json")
    assert json.loads(looked.stdout) == {
        "kind": "image",
        "files": [erased["uri"]],
        "images": [erased["image_id"]],
        "people": [erased["person_id"]],
    }
    assert (
        "1 file, 1 image, 1 person"
        in par("forget", "--image", erased["image_id"], "--store", root, "--dry-run").stdout
    )
    refused = par("forget", "--image", erased["image_id"], "--store", root, input="n\n")
    assert isinstance(refused.exception, BadConfigError)
    assert content(root) == before
    done = par("forget", "--image", erased["image_id"], "--store", root, "--yes")
    assert done.exit_code == 0, done.output
    assert "nothing is left" in done.stdout
    assert "people in index: 8, now 7" in done.stdout
    assert "check it with: par gate" in done.stdout
    (event,) = [event for event in Access.open(root).log.read() if event.action == "forget"]
    assert erased["image_id"] not in event.what
    again = par("forget", "--image", erased["image_id"], "--store", root, "--yes")
    assert isinstance(again.exception, BadConfigError)
    assert "nothing was interrupted" in par("forget", "--finish", "--store", root).stdout


@pytest.mark.parametrize("kind", ["person", "image", "source"])
def test_several_are_forgotten_at_once_or_none_if_one_is_unknown(
    root: Path, kind: str, tmp_path: Path
) -> None:
    before = content(root)
    erased = [*people_of(root, "0003.png"), *people_of(root, "0000.png")]
    values = [row["uri"] if kind == "source" else row[f"{kind}_id"] for row in erased]
    options = [part for value in values for part in (f"--{kind}", value)]
    unknown = str(tmp_path / "unknown.png") if kind == "source" else "0" * 32
    refused = par("forget", "--store", root, "--yes", *options, f"--{kind}", unknown)
    assert unknown in str(refused.exception)
    assert content(root) == before
    done = par("forget", "--store", root, "--yes", *options, "--json")
    summary = json.loads(done.stdout)
    assert (done.exit_code, summary["before"]["people_in_index"] - summary["after"]["people_in_index"]) == (
        0,
        2,
    )
    certificate = json.loads(Path(summary["certificate"]).read_text())
    assert certificate["asked_for"] == [digest_in_certificate(certificate["salt"], value) for value in values]
    assert not [value for value in values if anywhere(root, value)]
    assert_well(root)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--image", "xyz"],
        ["--person", "A" * 32],
        ["--person", "0" * 32],
        ["--source", ""],
        ["--source", "/"],
        ["--source", "/no/where"],
        ["--image", "0" * 32, "--source", "x"],
    ],
)
def test_what_cannot_be_meant_is_refused(root: Path, arguments: list[str]) -> None:
    assert isinstance(par("forget", "--store", root, "--yes", *arguments).exception, BadConfigError)
    assert not (root / "forgotten.json").exists()


def test_nothing_is_forgotten_while_another_run_writes(root: Path) -> None:
    erased = people_of(root, "0003.png")[0]
    with Store.open(root).exclusive():
        refused = par("forget", "--image", erased["image_id"], "--store", root, "--yes")
    assert isinstance(refused.exception, StoreError)
    assert "another par command is writing" in str(refused.exception)
