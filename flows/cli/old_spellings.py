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


def with_new_spellings(arguments: Sequence[str], *, quiet: bool = False) -> list[str]:
    """Replace old names in the arguments of ``par`` by the present ones.

    Args:
        arguments: Words after ``par``.
        quiet: Print no note, as while a shell completes a command.

    >>> with_new_spellings(["search", "--store", "s", "--", "--weak"])
    ['search', '--store', 's', '--', '--weak']
    """
    command, *rest = arguments or [""]
    names: list[tuple[str, str]] = []
    if command in _COMMANDS:
        names.append((f"par {command}", f"par {_COMMANDS[command]}"))
        command = _COMMANDS[command]
    if command in _WITH_OPTIONS:
        end = rest.index("--") if "--" in rest else len(rest)
        names += [(old, _OPTIONS[old]) for old in sorted(set(rest[:end]) & _OPTIONS.keys())]
        rest = [*(_OPTIONS.get(argument, argument) for argument in rest[:end]), *rest[end:]]
    for old, new in names if not quiet else ():
        note(old, new)
    return [command, *rest] if arguments else []


def note(old: str, new: str) -> None:
    """Print the present name of an old one."""
    print(f"par: note: {old} is now {new}; the old spelling works until the next release", file=sys.stderr)
