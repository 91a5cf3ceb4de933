"""``par tag``: what the page does, from a terminal."""

import json
from pathlib import Path

import pytest

from par_core.access import Access
from tests.forgetting import par, people_of
from tests.serving import small_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return small_store(tmp_path)


@pytest.fixture
def people(store: Path) -> list[str]:
    return sorted(row["person_id"] for name in ("0000.png", "0001.png") for row in people_of(store, name))


def test_tags_are_added_listed_and_removed(store: Path, people: list[str]) -> None:
    assert par("tag", "list", "--store", store).stdout == "No tags.\n"
    added = par("tag", "add", "Gate 3", people[0], people[1], "--store", store)
    assert added.exit_code == 0
    assert added.stdout == f"{people[0]}\tgate 3\n{people[1]}\tgate 3\n"
    assert par("tag", "add", "check", "-", "--store", store, input=f"{people[0]}\n\n").exit_code == 0
    assert par("tag", "note", people[1], "\x1b is refused", "--store", store).exit_code != 0
    assert par("tag", "note", people[1], "=a ladder\nand more", "--store", store).exit_code == 0
    assert par("tag", "list", "--store", store).stdout == "check\t1\ngate 3\t2\n"
    listed = par("tag", "list", "gate 3", "--store", store).stdout
    assert sorted(listed.splitlines()) == [people[0], f'{people[1]}\t"=a ladder\\nand more"']
    everybody = json.loads(par("tag", "list", "--json", "--store", store).stdout)
    assert {one["person_id"]: [tag["name"] for tag in one["tags"]] for one in everybody} == {
        people[0]: ["check", "gate 3"],
        people[1]: ["gate 3"],
    }
    assert par("tag", "remove", "gate 3", *people, "--store", store).exit_code == 0
    assert par("tag", "list", "--store", store).stdout == "check\t1\n"
    nobody = par("tag", "list", "gate 3", "--store", store)
    assert (nobody.stdout, nobody.stderr) == ("", "Nobody has the tag gate 3.\n")
    assert par("tag", "remove", "check", *people, "--store", store).exit_code == 0
    assert par("tag", "list", "--store", store).stdout == "No tags.\n", "one of them has a note still"
    events = [(event.action, event.what, event.count) for event in Access.open(store).log.latest(9).events]
    assert (("tag", f"+gate 3; 2 people: {people[0]} {people[1]}", 2)) in events


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "a,b", "1" * 32], "a tag has 1 to 40"),
        (["add", "check", "1" * 32], "nobody in the index has the id"),
        (["add", "check"], "nobody is named"),
        (["note", "1" * 32, "x" * 2001], "2,000 characters at most"),
    ],
)
def test_what_is_wrong_is_an_error(store: Path, arguments: list[str], said: str) -> None:
    result = par("tag", *arguments, "--store", store)
    assert result.exit_code != 0
    assert said in str(result.exception)
    assert par("tag", "list", "--store", store).stdout == "No tags.\n"


@pytest.mark.parametrize("form", ["csv", "parquet", "coco"])
def test_exports_hold_tags_and_notes(store: Path, people: list[str], tmp_path: Path, form: str) -> None:
    par("tag", "add", "check", people[0], "--store", store)
    par("tag", "add", "late", people[0], "--store", store)
    par("tag", "note", people[0], "=1+1", "--store", store)
    out = tmp_path / "out"
    result = par(
        "export", form, "--out", out, "--store", store, "--where", "tag = 'check'", "--profile", "fake"
    )
    assert result.exit_code == 0, result.output
    if form == "csv":
        head, row = (out / "people.csv").read_text().splitlines()
        values = dict(zip(head.replace('"', "").split(","), row.replace('"', "").split(","), strict=True))
        assert (values["tags"], values["note"]) == ("check; late", "'=1+1")
    elif form == "parquet":
        import pyarrow.parquet as pq

        (row,) = pq.read_table(out / "people.parquet").to_pylist()
        assert (row["person_id"], row["tags"], row["note"]) == (people[0], ["check", "late"], "=1+1")
    else:
        (one,) = json.loads((out / "annotations.json").read_text())["annotations"]
        assert (one["tags"], one["note"]) == (["check", "late"], "=1+1")
