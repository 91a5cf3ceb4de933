"""Fields of a question: ``upper:red``, ``since:2026-11-01``, ``height:>100``, ``hat:yes``. Each becomes a
filter of ``par_core.query.where``.
"""

import difflib
import os
import re
from collections.abc import Callable
from datetime import MAXYEAR, datetime, timedelta
from typing import Final

from par_core.archive.canonical import canonical
from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.errors import BadConfigError, FilterError
from par_core.query.where import (
    And,
    Between,
    Comparison,
    Filter,
    Likely,
    Membership,
    Not,
    Or,
    Place,
    moment_of,
)
from par_core.tags.names import tag_names

__all__ = ["FIELDS", "MAYBE", "SURE", "field_filter"]

_NUMBER: Final = r"\d+(?:\.\d+)?"
_COMPARED: Final = re.compile(rf"(>=|<=|>|<|=)?({_NUMBER})")
_RANGE: Final = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")
_STEP: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)T(\d\d))?)?")
SURE: Final = 0.8  # four in five have it, where probabilities are calibrated
MAYBE: Final = 0.1
_AMERICAN: Final = {"colour": "color"}  # names of fields
_BRITISH: Final = {"gray": "grey"}  # values
_ID: Final = re.compile(r"[0-9a-f]{4,64}")


def field_filter(name: str, value: str) -> Filter:
    """Return the filter of a field; a name that is no field is taken for an attribute, which the index knows
    or refuses.

    Raises:
        FilterError: The value does not suit the field.
    """
    name = _AMERICAN.get(name, name)
    if name in FIELDS:
        return FIELDS[name][0](value)
    near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.75)
    if near:
        raise FilterError(f"no field {name!r}; did you mean {near[0]}:?")
    return _attribute(name, value)


def _colour(column: str) -> Callable[[str], Filter]:
    def of(value: str) -> Filter:
        terms = [_BRITISH.get(term, term) for term in value.lower().split(",")]
        for term in terms:
            if term not in COLOUR_TERMS:
                near = difflib.get_close_matches(term, COLOUR_TERMS, n=1, cutoff=0.5)
                raise FilterError(
                    f"no colour {term!r}; {f'did you mean {near[0]}? ' if near else ''}there are:"
                    f" {', '.join(COLOUR_TERMS)}"
                )
        return Membership(column, tuple(terms))

    return of


def _either_colour(value: str) -> Filter:
    return Or((_colour("upper_color")(value), _colour("lower_color")(value)))


def _time(operator: str) -> Callable[[str], Filter]:
    return lambda value: Comparison("captured_at", operator, moment_of(value))


def _on(value: str) -> Filter:
    """Return the filter of a day, a moment, an hour (``2026-11-24T18``), a month or a year."""
    parts = _STEP.fullmatch(value)
    if parts is None:
        return Comparison("captured_at", "=", moment_of(value))
    year, month, day, hour = (int(part) if part else None for part in parts.groups())
    first = moment_of(f"{year:04}-{month or 1:02}-{day or 1:02}T{hour or 0:02}:00")
    assert isinstance(first, datetime)
    if hour is not None:
        last = first + timedelta(hours=1)
    else:
        months = 12 * first.year + first.month - 1 + (1 if month else 12)
        if months // 12 > MAXYEAR:
            raise FilterError(f"no such date: {value!r}; write 2026-11-24, 2026-11 or 2026")
        last = datetime(months // 12, months % 12 + 1, 1)
    return And((Comparison("captured_at", ">=", first), Comparison("captured_at", "<", last)))


def _number(column: str) -> Callable[[str], Filter]:
    def of(value: str) -> Filter:
        if between := _RANGE.fullmatch(value):
            return Between(column, float(between[1]), float(between[2]))
        if compared := _COMPARED.fullmatch(value):
            return Comparison(column, compared[1] or ">=", float(compared[2]))
        raise FilterError(f"{value!r} is no number; write 100, >100, <=100 or 100..300")

    return of


def _identity(column: str) -> Callable[[str], Filter]:
    def of(value: str) -> Filter:
        if not _ID.fullmatch(value):
            raise FilterError(f"{value!r} is no id")
        return Comparison(column, "=", value)

    return of


def _attribute(name: str, value: str) -> Filter:
    match value.lower():
        case "yes":
            return Likely(name)
        case "no":
            return Not(Likely(name))
        case "sure":
            return Comparison(name, ">=", SURE)
        case "maybe":
            return Comparison(name, ">=", MAYBE)
        case _:
            if not (_COMPARED.fullmatch(value) or _RANGE.fullmatch(value)):
                raise FilterError(
                    f"no field {name!r}, and an attribute is asked for by {name}:yes, {name}:no, {name}:sure,"
                    f" {name}:maybe or {name}:>0.7; there are: {', '.join(FIELDS)}"
                )
            return _number(name)(value)


def _source(value: str) -> Filter:
    """Return the filter of a text in a place. A path that begins with ``/``, ``./`` or ``../`` also stands
    for its canonical form, as the store has it.
    """
    if not value.startswith(("/", "./", "../")) or not os.path.lexists(value):
        return Place(value)
    whole = canonical(value) + ("/" if value.endswith("/") else "")
    return Place(value) if value == whole else Or((Place(value), Place(whole)))


def _tag(value: str) -> Filter:
    try:
        return Membership("tag", tag_names(value.split(",")))
    except BadConfigError as error:
        raise FilterError(str(error)) from error


#: Filter and help text of each field.
FIELDS: Final[dict[str, tuple[Callable[[str], Filter], str]]] = {
    "upper": (_colour("upper_color"), "colour of what is worn above: upper:red or upper:red,pink"),
    "lower": (_colour("lower_color"), "colour of what is worn below: lower:blue"),
    "color": (_either_colour, "colour above or below: color:yellow"),
    "since": (
        _time(">="),
        "taken on this day or later, by the camera's clock: since:2026-11-01 or since:2026-11-01T18:30",
    ),
    "until": (_time("<="), "taken on this day or earlier: until:2026-11-30"),
    "on": (
        _on,
        "taken on this day, in this hour, month or year: on:2026-11-24, on:2026-11-24T18, on:2026-11",
    ),
    "source": (_source, "a place of the file contains this: source:gate-3"),
    "tag": (_tag, "people whom a reviewer has tagged so: tag:check or tag:check,later"),
    "image": (_identity("image_id"), "everybody of one image, by its id"),
    "person": (_identity("person_id"), "one person, by id"),
    "height": (_number("height_px"), "height in pixels: height:>100 or height:100..300"),
    "score": (_number("score"), "certainty of the segmenter: score:>0.9"),
    "cutout": (_number("cutout"), "how good the cut-out is, 0 to 1: cutout:>0.5"),
}
