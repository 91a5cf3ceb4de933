"""Answers of the command line to wrong or missing arguments, and to a reader that goes away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import main as cli
from flows.console.hits import hit_lines
from par_core.query.answer import Chance, SearchResult
from par_core.query.from_store import Question, Searcher
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import archive

PAR = str(Path(sys.executable).with_name("par"))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["serch", "a man"], "No such command 'serch'"),
        (
            ["search", "a man", "--sotre", "s"],
            "No such option: --sotre (Possible options: --json, --no-pictures, --store); see par search"
            " --help",
        ),
        (["search", "a", "man"], "unexpected extra argument"),
        (["search", "a man", "--top", "many"], "'--top'"),
        (["describe", "photo.jpg"], "Missing option '--prompts'"),
        (["export", "xlsx", "--out", "x"], "'parquet', 'csv', 'coco', 'fiftyone'"),
    ],
)
def test_mistyped_arguments_give_one_line_and_exit_code_2(
    typed: list[str], message: str, tmp_path: Path
) -> None:
    Store.create(tmp_path)
    run = subprocess.run(
        [PAR, *typed],
        env={**os.environ, "PAR_STORE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr.startswith("par: ")
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "typed", [[], ["tokens"], ["models"], ["train"], ["datasets"], ["report"], ["config"]]
)
def test_without_a_command_the_help_is_printed_and_nothing_else(typed: list[str]) -> None:
    run = subprocess.run([PAR, *typed], capture_output=True, text=True, check=False)
    helped = subprocess.run([PAR, *typed, "--help"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (2, "")
    assert run.stdout.rstrip() == helped.stdout.rstrip()
    assert " ".join(["Usage: par", *typed]) in run.stdout


def test_the_help_gives_no_type_to_an_option_without_a_value() -> None:
    for typed in ([], ["search"], ["index"], ["tokens"], ["tokens", "list"]):
        shown = subprocess.run([PAR, *typed, "--help"], capture_output=True, text=True, check=True).stdout
        assert "<bool>" not in shown
        assert "--help" in shown


def test_completion_is_installed_by_one_command(tmp_path: Path) -> None:
    home = {**os.environ, "HOME": str(tmp_path)}
    shown = subprocess.run(
        ["bash", "-c", f"{PAR} --show-completion; exit $?"],
        env=home,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "complete -o default -F _par_completion par" in shown
    subprocess.run(
        ["bash", "-c", f"{PAR} --install-completion; exit $?"],
        env=home,
        capture_output=True,
        text=True,
        check=True,
    )
    (script,) = [
        path for path in tmp_path.rglob("*") if path.is_file() and "_par_completion" in path.read_text()
    ]
    assert str(script) in (tmp_path / ".bashrc").read_text()
    script_lines = (
        f"source {script}; COMP_WORDS=(par au); COMP_CWORD=1; _par_completion {PAR}; echo ${{COMPREPLY[@]}}"
    )
    answer = subprocess.run(
        ["bash", "-c", script_lines], env=home, capture_output=True, text=True, check=True
    ).stdout
    assert answer.split() == ["audit-log", "audit"]


def test_completion_answers_before_one_waits() -> None:
    for words, word, wanted in (
        ("par se", "1", {"search", "searches", "serve"}),
        ("par config ", "2", {"show", "check"}),
        ("par w", "1", {"watch"}),
        ("par status --st", "2", {"--store"}),
        ("par tokens re", "2", {"revoke"}),
    ):
        environment = {
            **os.environ,
            "_PAR_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": word,
        }
        begun = os.times()
        run = subprocess.run([PAR], env=environment, capture_output=True, text=True, check=True)
        ended = os.times()
        assert set(run.stdout.split()) == wanted
        spent = ended.children_user + ended.children_system - begun.children_user - begun.children_system
        assert spent < 1.0  # seconds of a processor; 0.3 on an idle machine


def test_a_reader_that_has_read_enough_is_no_failure() -> None:
    with subprocess.Popen(
        [PAR, "datasets", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 0


def test_a_source_without_pictures_gives_a_warning_even_with_quiet(tmp_path: Path) -> None:
    (tmp_path / "unmounted").mkdir()
    typed = [PAR, "index", tmp_path / "unmounted", "--store", tmp_path / "s", "--profile", "fake", "--quiet"]
    run = subprocess.run(typed, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr == f"par: warning: there are no pictures in {tmp_path / 'unmounted'}\n"


def test_a_query_picture_that_is_none_is_a_wrong_setting_and_named(tmp_path: Path) -> None:
    index(tmp_path / "s", [archive(tmp_path / "p", [("red",)])])
    (tmp_path / "letter.txt").write_text("no picture")
    typed = [
        PAR,
        "search",
        "--image",
        tmp_path / "letter.txt",
        "--store",
        tmp_path / "s",
        "--profile",
        "fake",
    ]
    run = subprocess.run(typed, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert f"{tmp_path / 'letter.txt'}: no picture" in run.stderr


def test_how_many_hits_are_likely_right_is_one_short_sentence(tmp_path: Path) -> None:
    index(tmp_path / "s", [archive(tmp_path / "p", [("red",), ("blue",)])])
    hit = Searcher(tmp_path / "s", FAKE).ask(Question("red", None, None, 1)).hits[0]

    def last_lines(hits: int, share: float, left_out: int = 0) -> list[str]:
        return list(hit_lines(SearchResult("red", (hit,) * hits, (), 10, Chance(0.15, share, left_out))))[
            hits + 1 :
        ]

    assert last_lines(1, 0.57) == ["This one is more likely wrong than right."]
    assert last_lines(1, 0.3) == ["This one is likely right."]
    assert last_lines(4, 0.04) == ["All of these 4 are likely right."]
    assert last_lines(4, 0.9) == ["Few of these 4 are likely right."]
    assert last_lines(4, 0.5, 1) == [
        "About 2 of these 4 are likely right.",
        "Less likely people are left out: --include-low-confidence shows the nearest of them.",
    ]
    in_a_shell = hit_lines(SearchResult("red", (), (), 10, Chance(0.15, 0.5, 1)), weak=":weak")
    assert list(in_a_shell)[-1] == "Less likely people are left out: :weak shows the nearest of them."


def test_a_folder_that_may_not_be_written_is_no_unexpected_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> None:
        raise PermissionError(13, "Permission denied", "store/run.lock")

    monkeypatch.setattr(cli, "app", lambda **_: refused())
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 3
    assert capsys.readouterr().err == "par: store/run.lock: Permission denied\n"


def test_what_a_command_starts_imports_nothing_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "attrs.py").write_text("raise SystemExit(7)")
    codes: list[int] = []

    def starts(**_: object) -> None:
        codes.append(
            subprocess.run([sys.executable, "-c", "import attrs"], cwd=tmp_path, check=False).returncode
        )

    starts()
    monkeypatch.setattr(cli, "app", starts)
    with pytest.raises(SystemExit):
        cli.main()
    assert codes == [7, 0]


def test_forgetting_without_a_terminal_says_what_to_do(tmp_path: Path) -> None:
    index(tmp_path / "s", [archive(tmp_path / "p", [("red",)])])
    typed = [PAR, "forget", "--source", tmp_path / "p", "--store", tmp_path / "s"]
    run = subprocess.run(typed, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert (
        run.stderr.splitlines()[-1]
        == "par: not confirmed; nothing was erased. Where nobody can be asked, say --yes"
    )
