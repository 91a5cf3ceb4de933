"""Numbers of things in words for people: ``1 file``, ``2 files``, ``0 people``."""

from typing import Final

__all__ = ["number_of"]

_IRREGULAR: Final = {"person": "people"}


def number_of(number: int, noun: str, spec: str = "") -> str:
    """Return a number with its noun.

    Args:
        number: How many.
        noun: The noun in the singular; words before the last one stay as they are.
        spec: Format of the number, such as ``,``.
    """
    *before, last = noun.split(" ")
    if number != 1:
        last = _IRREGULAR.get(last, f"{last}es" if last.endswith(("s", "ch", "x")) else f"{last}s")
    return " ".join([format(number, spec), *before, last])
