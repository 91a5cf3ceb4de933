"""Words of ``par search``: notes before the search, and completion by the shell."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from flows.cli.main import app
from par_core.access import Access
from par_core.errors import FilterError
from tests.indexing import index
from tests.pictures import archive

PAR = Path(sys.executable).with_name("par")


def test_a_word_that_is_read_as_a_wider_one_is_named_once_and_before_the_hits(tmp_path: Path) -> None:
    index(tmp_path / "s", [archive(tmp_path / "p", [("red",), ("blue",)])])
    run = CliRunner().invoke(
        app, ["search", "a burgundy person", "--profile", "fake", "--store", str(tmp_path / "s")]
    )
    assert run.exit_code == 0
    note = "par: note: 'burgundy' is read as 'red'"
    assert run.output.count("'burgundy'") == 1
    assert run.output.index(note) < run.output.index("0000.png")


def test_a_question_that_cannot_be_read_is_still_in_the_audit_log(tmp_path: Path) -> None:
    index(tmp_path / "s", [archive(tmp_path / "p", [("red",)])])
    run = CliRunner().invoke(app, ["search", "red AND", "--profile", "fake", "--store", str(tmp_path / "s")])
    assert isinstance(run.exception, FilterError)
    (event,) = Access.open(tmp_path / "s").log.latest(5, None).events
    assert (event.what, event.status == "ok") == ("red AND", False)


def test_the_shell_completes_the_last_word_of_a_question() -> None:
    asked = {"_PAR_COMPLETE": "complete_bash", "COMP_WORDS": "par search upper:gr", "COMP_CWORD": "2"}
    run = subprocess.run([str(PAR)], capture_output=True, text=True, check=False, env={**os.environ, **asked})
    assert run.stdout.split() == ["upper:grey", "upper:green"]
