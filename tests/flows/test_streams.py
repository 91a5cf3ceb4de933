"""What started processes print goes to a file; what this one prints does not."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, subprocess, sys
from pathlib import Path
from flows.streams import children_print_to

def child(text):
    subprocess.run([sys.executable, "-c", f"import sys; print({text!r}, file=sys.stderr)"], check=True)

with children_print_to(Path(sys.argv[1])):
    print("mine", file=sys.stderr)
    if sys.argv[2] == "noisy":
        child("theirs")
child("after")
print("mine again", file=sys.stderr)
"""


def printed(log: Path, how: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(log), how], capture_output=True, text=True, check=True
    ).stderr.splitlines()


def test_children_print_to_the_file_for_the_length_of_the_block(tmp_path: Path) -> None:
    assert printed(tmp_path / "log", "noisy") == ["mine", "after", "mine again"]
    assert (tmp_path / "log").read_text() == "theirs\n"


def test_a_file_in_which_nothing_was_printed_is_not_left_behind(tmp_path: Path) -> None:
    assert printed(tmp_path / "log", "quiet") == ["mine", "after", "mine again"]
    assert not (tmp_path / "log").exists()
