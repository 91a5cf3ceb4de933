"""The lines of a command on standard error: plain ones for people, or one JSON object a line for programs.

An object holds ``time`` (ISO 8601, UTC), ``level`` (``info``, ``warning`` or ``error``), ``event`` (one
word), ``message`` (the plain line without ``par:``), and ``run``, an id that all lines of one command share.
Some events have numbers beside. An object holds no more of people or files than the plain line.
"""

import json
import logging
import secrets
import sys
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from par_core.errors import BadConfigError
from par_core.object_store.places import shown

__all__ = ["as_json_lines", "begin_run", "run_id", "say", "use_log_format"]

_FORMATS: Final = ("plain", "json")
_LEVELS: Final = {"warning": "warning", "error": "error"}


@dataclass
class _Lines:
    """How this process writes its lines."""

    as_json: bool = False
    run: str = ""


_lines: Final = _Lines()


def use_log_format(name: str) -> None:
    """Write the lines of this process in a format from now on: its own, those of Python's logging, and
    warnings.

    Raises:
        BadConfigError: There is no such format.
    """
    if name not in _FORMATS:
        raise BadConfigError(f"no log format {name!r}; there are: {', '.join(_FORMATS)}")
    _lines.as_json, _lines.run = name == "json", ""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _AsLines)]:
        root.removeHandler(handler)
    if _lines.as_json:
        root.addHandler(_AsLines(logging.WARNING))
    logging.captureWarnings(_lines.as_json)


def as_json_lines() -> bool:
    """Whether lines are JSON objects."""
    return _lines.as_json


def run_id() -> str:
    """Return the id that all lines of this command share, eight hexadecimal digits."""
    _lines.run = _lines.run or secrets.token_hex(4)
    return _lines.run


def begin_run() -> str:
    """Return a new id, and let all lines from now on share it: one process may carry out several runs."""
    _lines.run = secrets.token_hex(4)
    return _lines.run


def say(
    text: str,
    stream: TextIO | None = None,
    *,
    event: str = "",
    level: str = "",
    **numbers: float | int | str | None,
) -> None:
    """Print one line on standard error.

    Args:
        text: The plain line; ``par: warning:`` at its begin makes it a warning.
        stream: Where to print, instead of standard error.
        event: One word for programs; default: the level, or ``note``.
        level: ``info``, ``warning`` or ``error``; default: as the text begins.
        numbers: What a JSON object holds beside; not printed in plain lines.
    """
    text = shown(text)
    if not _lines.as_json:
        print(text, file=stream or sys.stderr, flush=True)
        return
    message = text.removeprefix("par: ")
    level = level or _LEVELS.get(message.partition(":")[0], "info")
    print(
        json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "level": level,
                "event": event or (level if level != "info" else "note"),
                "message": message.removeprefix(f"{level}: "),
                "run": run_id(),
                **numbers,
            }
        ),
        file=stream or sys.stderr,
        flush=True,
    )


class _AsLines(logging.Handler):
    """Writes records of Python's logging as JSON objects."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        trace: dict[str, Any] = {}
        if record.exc_info:
            trace["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        level = "error" if record.levelno >= logging.ERROR else "warning"
        say(record.getMessage(), event="log", level=level, logger=record.name, **trace)
