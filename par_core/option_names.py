"""Messages for Python users: what messages name by options of the command line is named by arguments.

Messages are written once, for both. Whole commands ("par index SOURCE --store DIR") stay as they are.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from par_core.errors import ParError

__all__ = ["as_arguments", "naming_arguments", "with_arguments_named"]

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)

_OPTION: Final = re.compile(
    r"(?P<command>\bpar [a-z][a-z-]*[^;,)]*)"
    r"|(?<![\w-])--(?P<name>[a-z]+(?:-[a-z]+)*)(?: (?P<value>[A-Z]{2,}\b|[a-z0-9_]+))?"
)
_OF_MACHINE: Final = frozenset({"device", "precision", "runtime", "scheduler", "workers"})
_OF_CHOICES: Final = frozenset({*_OF_MACHINE, "profile"})  # whose values are words
_FLAGS: Final = {
    **dict.fromkeys(("accept_empty", "force", "include_low_confidence", "include_missing"), True),
    **dict.fromkeys(("retry_failed", "vectors"), True),
    "no_grouping": False,
}


def as_arguments(message: str) -> str:
    """Return a message with arguments in place of options.

    >>> as_arguments("give --image FILE or --where FILTER; replace it with --force")
    'give image=FILE or where=FILTER; replace it with force=True'
    """
    return _OPTION.sub(_argument, message)


@contextmanager
def naming_arguments() -> Iterator[None]:
    """Name arguments in the messages of errors that leave the block."""
    try:
        yield
    except ParError as error:
        error.args = tuple(as_arguments(part) if isinstance(part, str) else part for part in error.args)
        raise


def with_arguments_named(kind: C) -> C:
    """Return a class whose own public methods raise errors that name arguments."""
    for name, method in list(vars(kind).items()):
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(kind, name, _named(method))
    return kind


def _named(function: F) -> F:
    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        with naming_arguments():
            answer = function(*given, **named)
        return _each(answer) if inspect.isgenerator(answer) else answer

    return call  # type: ignore[return-value]


def _each(answers: Iterator[Any]) -> Iterator[Any]:
    with naming_arguments():
        yield from answers


def _argument(found: re.Match[str]) -> str:
    if found["command"] is not None:
        return found["command"]
    name, value = found["name"].replace("-", "_"), found["value"]
    if value is not None and value.islower() and name not in _OF_CHOICES:
        return f"{_plain(name)} {value}"  # a word of the sentence
    if value is None:
        return _plain(name)
    shown = value if value.isupper() else f'"{value}"'
    return f'machine={{"{name}": {shown}}}' if name in _OF_MACHINE else f"{name}={shown}"


def _plain(name: str) -> str:
    if name in _FLAGS:
        return f"{name.removeprefix('no_')}={_FLAGS[name]}"
    return f"machine.{name}" if name in _OF_MACHINE else name
