"""Checks of types while tests run that cost less. jaxtyping binds the arguments of each call and checks them
twice, to name the wrong one. Here beartype checks arguments and result once, and only around functions with
arrays are the sizes of axes remembered.
"""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

import jaxtyping
from beartype import beartype

_whole = jaxtyping.jaxtyped


def names_arrays(hint: object) -> bool:
    """Whether a type hint has an array in it."""
    return _has(hint, lambda part: inspect.isclass(part) and issubclass(part, jaxtyping.AbstractArray))


def is_quoted(hint: object) -> bool:
    """Whether a type hint has a name in quotes: what it means is not known yet, and may never be."""
    return _has(hint, lambda part: isinstance(part, (str, typing.ForwardRef)))


def _has(hint: object, sought: Callable[[object], bool]) -> bool:
    if sought(hint):
        return True
    parts = hint if isinstance(hint, (list, tuple)) else typing.get_args(hint)
    return typing.get_origin(hint) is not typing.Literal and any(_has(part, sought) for part in parts)


def jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
    """Stand in for ``jaxtyping.jaxtyped`` in the code that jaxtyping's import hook instruments."""

    def decorate(decorated: Any) -> Any:
        if inspect.isclass(decorated):
            if dataclasses.is_dataclass(decorated) and "__init__" in vars(decorated):
                setattr(decorated, "__init__", decorate(decorated.__init__))  # noqa: B010
            return decorated
        hints = list(decorated.__annotations__.values())
        if any(map(is_quoted, hints)):
            return _whole(typechecker=typechecker)(decorated)
        checked = beartype(decorated) if hints else decorated
        return _remembering(checked) if any(map(names_arrays, hints)) else checked

    return decorate


def _remembering(checked: Callable[..., Any]) -> Callable[..., Any]:
    """Let an axis have one size wherever a call names it."""

    @functools.wraps(checked)
    def call(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        with _whole("context"):
            return checked(*arguments, **named)

    return call


def install() -> None:
    """Check what is imported from now on in this way."""
    jaxtyping.jaxtyped = jaxtyped
