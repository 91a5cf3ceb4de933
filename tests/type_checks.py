"""Checks of types while tests run that cost less: only functions with arrays need what jaxtyping does around
each call, which is to bind the arguments and to remember the sizes of axes. All others are left to beartype.
"""

import inspect
import typing
from collections.abc import Callable
from typing import Any

import jaxtyping
from beartype import beartype

_whole = jaxtyping.jaxtyped


def names_arrays(hint: object) -> bool:
    """Whether a type hint has an array in it, or may have: what a name in quotes means is not known yet."""
    if isinstance(hint, (str, typing.ForwardRef)):
        return True
    if isinstance(hint, (list, tuple)):
        return any(map(names_arrays, hint))
    if inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(map(names_arrays, typing.get_args(hint))) and typing.get_origin(hint) is not typing.Literal


def jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
    """Stand in for ``jaxtyping.jaxtyped`` in the code that jaxtyping's import hook instruments."""

    def decorate(decorated: Any) -> Any:
        if not inspect.isfunction(decorated) or any(map(names_arrays, decorated.__annotations__.values())):
            return _whole(typechecker=typechecker)(decorated)
        return beartype(decorated) if decorated.__annotations__ else decorated

    return decorate


def install() -> None:
    """Check what is imported from now on in this way."""
    jaxtyping.jaxtyped = jaxtyped
