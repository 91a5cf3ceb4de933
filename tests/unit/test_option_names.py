"""Messages name arguments to Python users, and options to those of the command line."""

from pathlib import Path

import pytest

import par_core as par
from par_core.option_names import as_arguments
from tests.indexing import index
from tests.pictures import archive


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("give a text, --image FILE, or --where FILTER", "give a text, image=FILE, or where=FILTER"),
        ("or replace it with --force", "or replace it with force=True"),
        ("use --profile clip for free words", 'use profile="clip" for free words'),
        ("--device cpu, --runtime torch", 'machine={"device": "cpu"}, machine={"runtime": "torch"}'),
        ("go into the filter (--where), and", "go into the filter (where), and"),
        ("see par status, or leave --version out", "see par status, or leave version out"),
        ("fill it with: par index SOURCE --store /s", "fill it with: par index SOURCE --store /s"),
        ("(par evaluate ... --out x); --no-grouping", "(par evaluate ... --out x); grouping=False"),
        ("a - b -- c, x--y", "a - b -- c, x--y"),
    ],
)
def test_options_become_arguments_and_commands_stay(message: str, shown: str) -> None:
    assert as_arguments(message) == shown


def test_errors_and_warnings_of_an_archive_name_arguments(tmp_path: Path) -> None:
    index(tmp_path / "store", [archive(tmp_path / "photos", [("red",)])])
    opened = par.open(tmp_path / "store", profile="fake")
    with pytest.raises(par.BadConfigError, match=r"image=FILE, or where=FILTER$"):
        opened.search()
    opened.export(tmp_path / "out", "csv")
    with pytest.raises(par.BadConfigError, match="force=True"):
        opened.export(tmp_path / "out", "csv")
    with pytest.raises(par.BadConfigError, match="nothing was asked"):
        list(opened.all_hits())
    (warning,) = opened.search("a red coat").warnings
    assert warning.endswith("the profile clip knows free words")
    assert opened.search.__name__ == "search"
