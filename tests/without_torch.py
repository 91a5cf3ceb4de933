"""Processes on a machine that has no torch: a folder for PYTHONPATH hides it, and notes who asked for it."""

import os
import subprocess
import sys
from pathlib import Path

HIDDEN = ("torch", "torchvision", "timm", "open_clip")
# read by every Python process that starts, those of Dask and Prefect included
_SITE = f"""
import importlib.machinery, importlib.metadata, os, sys
hidden = {HIDDEN!r}
finder = importlib.machinery.PathFinder
found = finder.find_spec

def find_spec(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in hidden else found(name, path, target)

def note(event, arguments):
    if event == "import" and str(arguments[0]).partition(".")[0] in hidden:
        with open(os.environ["PAR_TEST_ASKED"], "a") as file:
            file.write(arguments[0] + " by " + " ".join(sys.argv) + "\\n")

known = importlib.metadata.Distribution.from_name

def from_name(cls, name):
    if name.removesuffix("_torch") in hidden:
        raise importlib.metadata.PackageNotFoundError(name)
    return known(name)

finder.find_spec = classmethod(find_spec)
importlib.metadata.Distribution.from_name = classmethod(from_name)
sys.addaudithook(note)
"""


class WithoutTorch:
    """Runs ``par`` without torch.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(_SITE)
        self._asked = folder / "asked"
        path = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
        self.environment = os.environ | {"PYTHONPATH": path, "PAR_TEST_ASKED": str(self._asked)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a ``par`` command, whatever it returns."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run Python code that must not fail."""
        command = [sys.executable, "-P", "-c", code]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)

    def command(self, *arguments: str) -> list[str]:
        """The words of a ``par`` command."""
        return [sys.executable, "-P", "-m", "flows.cli.main", *arguments]

    def asked(self) -> list[str]:
        """What imports of torch were tried since the last call."""
        lines = self._asked.read_text().splitlines() if self._asked.exists() else []
        self._asked.unlink(missing_ok=True)
        return lines
