"""The conditions of a search as SQL."""

from typing import Final

from par_core.attributes.colours import COLOUR_TERMS
from par_core.query.table import PeopleTable
from par_core.query.values import check_values
from par_core.query.where import Filter, parse_where
from par_core.query.where_sql import compile_where

__all__ = ["condition_of", "sql_of"]

_VOCABULARIES: Final = {"upper_color": COLOUR_TERMS, "lower_color": COLOUR_TERMS}


def condition_of(
    index: PeopleTable, where: str | None, *, absent: bool = False, further: str | None = None
) -> str | None:
    """Return the SQL of a search's conditions; None if every person is searched.

    Args:
        index: The table of people.
        where: A filter in the language of ``par_core.query.where``, or None.
        absent: Also people whose file has vanished or was replaced.
        further: SQL that must hold as well.

    Raises:
        FilterError: The filter is wrong, or names an unknown colour.
    """
    parts = [] if absent else ["(source_state = 'present')"]
    parts += [sql_of(index, parse_where(where))] if where is not None and where.strip() else []
    parts += [further] if further is not None else []
    return " AND ".join(parts) if parts else None


def sql_of(index: PeopleTable, condition: Filter) -> str:
    """Return the SQL of a filter.

    Raises:
        FilterError: It names an unknown column or colour, or compares values of different kinds.
    """
    check_values(condition, _VOCABULARIES)
    return compile_where(condition, index.columns, index.thresholds)
