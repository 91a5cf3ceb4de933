"""Names of commands and options of the release before this one. They work until the next release, with a note
on standard error.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["note", "with_new_spellings"]

_COMMANDS: Final[Mapping[str, str]] = {"hunt": "review"}
_OPTIONS: Final[Mapping[str, str]] = {
    "--include-absent": "--include-missing",
    "--weak": "--include-low-confidence",
    "--apart": "--no-grouping",
}
_WITH_OPTIONS: Final = ("search",)


def with_new_spellings(arguments: Sequence[str]) -> list[str]:
    """Replace old names in the arguments of ``par`` by the present ones.

    >>> with_new_spellings(["search", "--store", "s", "--", "--weak"])
    ['search', '--store', 's', '--', '--weak']
    """
    command, *rest = arguments or [""]
    if command in _COMMANDS:
        note(f"par {command}", f"par {_COMMANDS[command]}")
        command = _COMMANDS[command]
    if command not in _WITH_OPTIONS:
        return [command, *rest] if arguments else []
    end = rest.index("--") if "--" in rest else len(rest)
    for old in sorted(set(rest[:end]) & _OPTIONS.keys()):
        note(old, _OPTIONS[old])
    return [command, *(_OPTIONS.get(argument, argument) for argument in rest[:end]), *rest[end:]]


def note(old: str, new: str) -> None:
    """Print the present name of an old one."""
    print(f"par: note: {old} is now {new}; the old spelling works until the next release", file=sys.stderr)
