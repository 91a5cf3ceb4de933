"""The content of a store, again and again: ``par status --watch``. Imports nothing heavy."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

from flows.console.status import status_lines, status_object
from par_core.errors import ParError
from par_core.gate.report import last_gate
from par_core.object_store.places import shown
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.run_progress import read_progress

__all__ = ["watch_store"]

_CLEAR: Final = "\x1b[H\x1b[2J"  # cursor to the corner, and nothing on the screen


def watch_store(root: Path, seconds: float, *, as_json: bool) -> NoReturn:
    """Print the content of a store every few seconds, until the process is stopped.

    In a terminal the screen is cleared before; elsewhere only what has changed is printed again. A store that
    cannot be read at a moment, such as on a disk that is not mounted, is a line, and is looked at again.

    Args:
        root: Folder of the store.
        seconds: Pause between two looks.
        as_json: Whether each look is one JSON object on a line.
    """
    before: object = None
    while True:
        now, text = _look(root, as_json=as_json)
        if as_json:
            print(text, flush=True)
        elif sys.stdout.isatty():
            print(f"{_CLEAR}{_time()}  {shown(str(root))}\n{text}", flush=True)
        elif now != before:
            print(f"{_time()}\n{text}\n", flush=True)
        before = now
        time.sleep(seconds)


def _look(root: Path, *, as_json: bool) -> tuple[object, str]:
    """What is there, to be compared, and how it is printed."""
    try:
        store = Store.open(root)
        store.refresh()
        report, gate, progress = store_status(store), last_gate(store), read_progress(store)
    except (ParError, OSError) as error:
        message = f"the store cannot be read at this moment: {error}"
        message = shown(message)
        return message, json.dumps({"time": _time(), "error": message}) if as_json else message
    if as_json:
        return None, json.dumps({"time": _time()} | status_object(report, gate, progress), default=str)
    text = "\n".join(status_lines(report, gate, progress))
    return text, text


def _time() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
