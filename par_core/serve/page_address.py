"""What the addresses of pages hold: a query, and a place in its answer."""

from typing import Annotated

from fastapi import Depends, Header, Query

from par_core.query.by_time import Sort
from par_core.serve.page_query import PageQuery
from par_core.serve.user_session import UserSession, session_for

__all__ = ["After", "Offset", "Part", "QueryOfAddress", "Searching", "query_of"]

Searching = Annotated[UserSession, Depends(session_for("search"))]
Part = Annotated[str | None, Header(alias="Par-Part", max_length=16)]
Offset = Annotated[int, Query(ge=0, le=2**31)]
After = Annotated[str | None, Query(max_length=200)]


async def query_of(
    q: Annotated[str, Query(max_length=1000)] = "",
    where: Annotated[str, Query(max_length=2000)] = "",
    absent: Annotated[bool, Query()] = False,
    weak: Annotated[bool, Query()] = False,
    sort: Annotated[Sort, Query()] = "best",
) -> PageQuery:
    """Return the query of an address."""
    return PageQuery(q.strip(), where.strip(), absent, weak, sort)


QueryOfAddress = Annotated[PageQuery, Depends(query_of)]
