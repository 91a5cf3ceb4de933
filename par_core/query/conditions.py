"""The conditions of a search: as SQL, and as the people in memory that they leave."""

from typing import Final

import numpy as np
from jaxtyping import Bool

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.query.table import PeopleTable
from par_core.query.tagged import asks_for_tags, by_people
from par_core.query.values import check_values
from par_core.query.where import And, Comparison, Filter, parse_where
from par_core.query.where_arrow import rows_kept
from par_core.query.where_sql import compile_where
from par_core.store.lance import Allowed, ResidentPeople, in_places

__all__ = ["allowed_in_memory", "condition_of", "filter_of", "sql_of"]

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


def filter_of(where: str | None, *, absent: bool = False, further: Filter | None = None) -> Filter | None:
    """Return the conditions of a search as one filter; None if every person is searched. See
    :func:`condition_of`, which checks them.
    """
    parts: list[Filter] = [] if absent else [Comparison("source_state", "=", "present")]
    parts += [parse_where(where)] if where is not None and where.strip() else []
    parts += [further] if further is not None else []
    return And(tuple(parts)) if parts else None


def allowed_in_memory(
    index: PeopleTable, resident: ResidentPeople, wanted: Filter | None, condition: str | None
) -> Allowed | None:
    """Return the people that a filter leaves; None if that cannot be told in memory.

    Args:
        index: The table of people.
        resident: What is in memory of it.
        wanted: The filter; None leaves everybody.
        condition: Its SQL, by which the answer is kept.
    """
    if wanted is not None and asks_for_tags(wanted):  # its name and its people from the same look at the tags
        wanted = by_people(index, wanted)
        condition = sql_of(index, wanted)

    def mask() -> Bool[np.ndarray, " n"] | None:
        if wanted is None:
            return np.ones(len(resident), bool)
        return rows_kept(wanted, resident.columns, index.thresholds, lambda texts: in_places(resident, texts))

    return resident.allowed(condition or "", mask)


def sql_of(index: PeopleTable, condition: Filter) -> str:
    """Return the SQL of a filter.

    Raises:
        FilterError: It names an unknown column or colour, or compares values of different kinds.
    """
    check_values(condition, _VOCABULARIES)
    return compile_where(by_people(index, condition), index.columns, index.thresholds)
