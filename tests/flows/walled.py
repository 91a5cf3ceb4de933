"""Preloaded into Dask workers by tests: whatever touches a folder below ``PAR_TEST_WALL`` fails, and is noted
in the file ``PAR_TEST_BREACHES``.
"""

import os
import sys
from typing import Any

WALL = os.environ["PAR_TEST_WALL"]
BREACHES = os.environ["PAR_TEST_BREACHES"]
_EVENTS = ("open", "sqlite3.connect", "shutil.", "os.", "tempfile.", "subprocess.Popen", "glob.")


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith(_EVENTS):
        return
    for argument in arguments:
        path = os.fsdecode(argument) if isinstance(argument, str | bytes | os.PathLike) else ""
        if path.startswith(WALL) and path != BREACHES:
            with open(BREACHES, "a") as file:
                file.write(f"{event} {path}\n")
            raise PermissionError(f"{path} is on another host")


sys.addaudithook(_watch)
