"""What the README says to type exists."""

import re
import shlex
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest
import typer

from benchmarks.demo import QUESTIONS
from flows.cli.main import app
from par_core.store.layout import Store

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "deployments/README.md",
    "docs/training.md",
    "docs/datasets.md",
    "docs/quality.md",
    "docs/evaluation.md",
    "docs/gate.md",
    "docs/reviews.md",
    "docs/export.md",
    "docs/paper.md",
    "docs/serving.md",
    "docs/page.md",
    "docs/operations.md",
]
APP = typer.main.get_command(app)
COMMANDS = APP.commands  # type: ignore[attr-defined]


def typed(page: str) -> list[str]:
    """Every ``par`` command line of a page's code."""
    text = (ROOT / page).read_text()
    blocks = (
        re.findall(r"```\n(.*?)```", text, re.S)
        + re.findall(r"^    (.*)$", text, re.M)
        + re.findall(r"`(par [^`]*)`", text)
    )
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [
        line[line.index("par ") :]
        for line in lines
        if re.match(r"(\S+/bin/)?par ", line) or re.search(r"/bin/par ", line)
    ]


def leaves(command: Any) -> Iterator[Any]:
    """The commands of a group and of the groups in it, or the command itself."""
    if not hasattr(command, "commands"):
        yield command
        return
    for each in command.commands.values():
        yield from leaves(each)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_exists(page: str) -> None:
    lines = typed(page)
    assert lines
    for line in lines:
        _, name, *arguments = shlex.split(line.replace("COMMAND", "index"))
        if name.startswith("-"):
            assert name in {option for parameter in APP.params for option in parameter.opts}
            continue
        command = COMMANDS[name]
        for argument in arguments:  # groups hold commands, and groups
            if not hasattr(command, "commands"):
                break
            command = command.commands[argument.split("|")[0]]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        options = [argument for argument in arguments if re.match(r"--?[a-z]", argument)]
        assert set(options) <= known, line


def test_every_command_is_in_the_readme_and_has_an_example() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, command in COMMANDS.items():
        assert f"par {name}" in readme
        assert command.help
        for each in leaves(command):
            assert f"par {name}" in each.help


def test_examples_of_the_help_can_be_copied_from_a_narrow_terminal_and_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Store.create(tmp_path / "store")
    for name, command in COMMANDS.items():
        for each in leaves(command):
            shown = re.findall(r"```\n(.*?)\n```", cleandoc(each.help), re.S)
            assert shown, name
            assert all(len(line) <= 76 for block in shown for line in block.splitlines()), name
            for line in "\n".join(shown).replace("\\\n", "").splitlines():
                _, first, *arguments = shlex.split(line.split(" > ")[0] if line.endswith(".token") else line)
                called = COMMANDS[first]
                while hasattr(called, "commands"):
                    called = called.commands[arguments.pop(0)]
                called.make_context(first, arguments)  # fails where an option or a value is wrong


def test_every_make_target_in_the_readme_exists() -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    assert set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text())) <= set(targets)


def test_the_first_search_is_one_for_which_the_demo_finds_a_person() -> None:
    first = next(line for line in typed("README.md") if line.startswith("par search "))
    assert shlex.split(first)[2] == QUESTIONS[0].text


def tables(page: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Heads and rows of every table."""
    for table in re.findall(r"(?:^\|.*\n)+", (ROOT / page).read_text(), re.M):
        heads, _, *rows = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()
        ]
        yield heads, rows


def test_a_cell_of_figures_holds_one() -> None:
    figures = [row for heads, rows in tables("README.md") if "profile" not in heads for row in rows]
    assert len(figures) > 20
    for row in figures:
        for cell in row[1:]:
            assert len(re.findall(r"\d+(?:[.,]\d+)*", cell)) <= 1, row


def test_the_picture_is_small_and_has_its_sources_beside_it() -> None:
    assert "](docs/images/search.png)" in (ROOT / "README.md").read_text().split("## ")[0]
    assert (ROOT / "docs" / "images" / "search.png").stat().st_size < 200_000
    assert "search.png" in (ROOT / "docs" / "images" / "README.md").read_text()


def test_links_lead_somewhere() -> None:
    for page in [*PAGES, "CONTRIBUTING.md", "docs/architecture.md"]:
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
            assert ((ROOT / page).parent / link).exists(), f"{page}: {link}"
