"""A check that the values of a filter can occur in their columns: a misspelt colour must not silently match
no person.
"""

import difflib
from collections.abc import Mapping, Sequence

from par_core.errors import FilterError
from par_core.query.where import And, Comparison, Filter, Membership, Not, Or

__all__ = ["check_values"]


def check_values(parsed: Filter, vocabularies: Mapping[str, Sequence[str]]) -> None:
    """Refuse values outside of a column's vocabulary in ``=``, ``!=`` and ``in``; ``like`` is free.

    Args:
        parsed: The filter.
        vocabularies: All values of some columns, by column.

    Raises:
        FilterError: A value cannot occur; the message names it, the nearest one, and all possible ones.
    """
    match parsed:
        case And(parts) | Or(parts):
            for part in parts:
                check_values(part, vocabularies)
        case Not(inner):
            check_values(inner, vocabularies)
        case Comparison(column, "=" | "!=", str() as value) if column in vocabularies:
            _check(column, value, vocabularies[column])
        case Membership(column, values) if column in vocabularies:
            for member in values:
                _check(column, str(member), vocabularies[column])


def _check(column: str, value: str, vocabulary: Sequence[str]) -> None:
    if value not in vocabulary:
        near = difflib.get_close_matches(value.lower(), vocabulary, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise FilterError(f"{column} is never {value!r}; {meant}it is one of: {', '.join(vocabulary)}")
