"""What the command line does with what is mistyped, and with readers that go away."""

import subprocess
import sys
from pathlib import Path

import pytest

PAR = str(Path(sys.executable).with_name("par"))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["serch", "a man"], "No such command 'serch'"),
        (["search", "a man", "--sotre", "s"], "No such option: --sotre (Possible options: --json, --store); see par search --help"),
        (["search", "a", "man"], "unexpected extra argument"),
        (["search", "a man", "--top", "many"], "'--top'"),
        (["describe", "photo.jpg"], "Missing option '--prompts'"),
        (["export", "xlsx", "--out", "x"], "'parquet', 'csv', 'coco', 'fiftyone'"),
    ],
)
def test_what_is_mistyped_is_told_in_one_line_with_exit_code_2(typed: list[str], told: str) -> None:
    run = subprocess.run([PAR, *typed], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith("par: ")
    assert told in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_reader_that_has_read_enough_is_no_failure() -> None:
    with subprocess.Popen([PAR, "datasets", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 0
