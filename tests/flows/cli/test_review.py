"""``par review`` as a user types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.errors import BadConfigError
from par_core.query.answer import Hit
from tests.indexing import index
from tests.pictures import archive

GROUPS = [("blue", "green"), ("cyan", "yellow"), ("red",), ("magenta", "blue"), ("red", "green")]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    index(tmp_path / "store", [archive(tmp_path / "<b>photos", GROUPS)])
    return tmp_path / "store"


def run(store: Path, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(
        app, ["review", *arguments, "--store", str(store), "--profile", "fake"], input=typed
    )


def reds(report: dict[str, object]) -> str:
    """The numbers of the red people of the open batch, as a line of answers."""
    hits = report["batch"]["people"]  # type: ignore[index]
    return " ".join(str(hit["rank"]) for hit in hits if hit["upper_color"] == "red")


def test_a_review_is_typed_stopped_and_resumed(store: Path) -> None:
    result = run(store, "a red person", "--batch", "4", typed="nonsense\n9\n1\nq\n")
    assert result.exit_code == 0
    assert "'nonsense' is no answer" in result.stdout
    assert "numbers 1 to 4" in result.stdout
    assert "judged 4 of 9, found 1; at most" in result.stdout
    assert f"par review --resume a-red-person --store {store}" in result.stdout
    assert not list((store / "reviews").glob("*.html")), "pictures of people do not stay behind"
    again = run(store, "--resume", "a-red-person", "--batch", "9", typed="u\n\n\n")
    assert "the last batch is open again" in again.stdout
    assert "nobody is left" in again.stdout
    assert "everybody was asked about" in again.stdout
    assert run(store, "--list").stdout == "a-red-person: 'a red person'; judged 9, found 0\n"


def test_a_second_review_for_the_same_says_that_there_is_one(store: Path) -> None:
    assert run(store, "a red person", typed="q\n").stderr.count("warning") == 0
    again = run(store, "a red person", typed="q\n")
    assert "the review 'a-red-person' is for the same" in again.stderr
    assert "--resume a-red-person-2" in again.stdout
    assert "is for the same" not in run(store, "a red person", "--where", "height_px > 1", typed="q\n").stderr


def test_a_script_asks_reads_and_answers(store: Path, tmp_path: Path) -> None:
    report = json.loads(run(store, "a red person", "--batch", "4", "--json").stdout)
    assert report["estimate"]["judged"] == 0
    while report["batch"]["people"]:
        (tmp_path / "answers.txt").write_text(reds(report) + "\n")
        report = json.loads(
            run(
                store,
                "--resume",
                report["name"],
                "--answers",
                str(tmp_path / "answers.txt"),
                "--batch",
                "4",
                "--json",
            ).stdout
        )
    assert {hit["upper_color"] for hit in report["found"]} == {"red"}
    assert (report["estimate"]["found"], report["estimate"]["most_left"]) == (2, 0)


def test_the_sheet_is_one_file_with_everything_escaped(store: Path, tmp_path: Path) -> None:
    run(store, '"red <script>alert(1)</script>"', "--sheet", str(tmp_path / "s.html"), typed="q\n")
    page = (tmp_path / "s.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 9
    assert "<script" not in page
    assert "<b>photos" not in page
    assert "&lt;b&gt;photos" in page


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["red", "--resume", "red"],
        ["--resume", "nobody"],
        ["--resume", "x", "--where", "hat"],
        ["red", "--answers", "nowhere.txt"],
    ],
)
def test_bad_settings_are_one_clear_line(store: Path, arguments: list[str]) -> None:
    result = run(store, *arguments)
    assert isinstance(result.exception, BadConfigError)
    assert "\n" not in str(result.exception)
    assert not list((store / "reviews").glob("*.json"))


def test_a_line_of_a_file_that_cannot_be_understood_ends_the_review_and_keeps_earlier_answers(
    store: Path, tmp_path: Path
) -> None:
    (tmp_path / "answers.txt").write_text("1\n?2\nyes please\n")
    result = run(store, "red", "--batch", "3", "--answers", str(tmp_path / "answers.txt"))
    assert isinstance(result.exception, BadConfigError)
    assert "judged 5, found 1" in run(store, "--list").stdout


def test_ranges_commas_and_doubts_are_understood() -> None:
    from flows.console.review_session import read_answers
    from par_core.review.session import Batch

    hits = tuple(
        Hit(
            rank=n,
            person_id=str(n),
            image_id="",
            uri="",
            uris=(),
            source_state="present",
            image_width=1,
            image_height=1,
            box=(0.0, 0.0, 1.0, 1.0),
            height_px=1.0,
            score=1.0,
            shard="",
            attributes={},
            seen=(),
            upper_color=None,
            upper_color_share=None,
            lower_color=None,
            lower_color_share=None,
            captured_at=None,
            cutout=None,
        )
        for n in range(1, 7)
    )
    batch = Batch(1, hits, frozenset("123456"))
    assert list(read_answers(" 1, 3-4 ?6", batch).values()) == ["yes", "no", "yes", "yes", "no", "skip"]
    assert list(read_answers("", Batch(1, hits, frozenset("12"))).items()) == [("1", "no"), ("2", "no")]
