"""The JSON API under ``/api``. OpenAPI: ``/api/openapi.json``."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic_core import to_json

from par_core.query.by_time import Sort
from par_core.serve import api_pictures, api_searches, api_tags, session_tags
from par_core.serve.api_pictures import JPEG_BODY, jpeg
from par_core.serve.contents import person_content, search_content
from par_core.serve.groups import By
from par_core.serve.problems import BadParameterError, Problem
from par_core.serve.schemas import (
    AuditResponse,
    ErrorResponse,
    OutlineResponse,
    PersonResponse,
    SearchResponse,
    StatusResponse,
    SuggestResponse,
)
from par_core.serve.schemas_counts import FacetsResponse, GroupsResponse
from par_core.serve.status import ServeStatus
from par_core.serve.user_session import UserSession, session_for

__all__ = ["error_content", "router", "search_content"]

_STATUSES = {
    400: "The question, the filter or the picture is wrong; the message says where.",
    401: "No token, or one that is not valid.",
    403: "The token's role may not do this, or the request comes from another site.",
    404: "No person or image of the index has this id.",
    410: "The file is not there any more, or is another one now.",
    413: "The body is too large.",
    422: "A parameter is wrong.",
    429: "Too many requests a minute.",
    500: "Something went wrong in the server; its log says what.",
    503: "No people in the index yet, another embedding, or too many requests at this moment.",
    504: "The answer took too long.",
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"model": ErrorResponse, "description": _STATUSES[status]}
        for status in (*statuses, 401, 403, 422, 429, 500, 503, 504)
    }


async def _require_known(request: Request) -> None:
    """Refuse parameters that would be ignored silently."""
    names = [name for name, _ in request.query_params.multi_items()]
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    for name in names:
        if name not in known:
            raise BadParameterError(
                f"no parameter {name[:50]!r}; there are: {', '.join(sorted(known)) or 'none'}"
            )
        if names.count(name) > 1:
            raise BadParameterError(f"the parameter {name} is given more than once")


router = APIRouter(prefix="/api", tags=["archive"], dependencies=[Depends(_require_known)])

Searching = Annotated[UserSession, Depends(session_for("search"))]
Identity = Annotated[
    str,
    Path(
        pattern="^[0-9a-f]{1,64}$",
        description="Hexadecimal, as a search gives it.",
        examples=["1eba3ecb27aa3da0f6df4c4231b98568"],
    ),
]
Where = Annotated[
    str | None,
    Query(
        max_length=2000,
        description="A filter over the columns of the index.",
        examples=["height_px > 100 and upper_color in ('black', 'blue')"],
    ),
]

Asked = Annotated[
    str | None,
    Query(
        max_length=1000,
        description="What the person looks like, in the query language.",
        examples=["woman AND backpack AND NOT hat"],
    ),
]
Counted = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=1000,
        description="The question whose answer is counted; everybody without one.",
        examples=["upper:red since:2026-11-01"],
    ),
]
Absent = Annotated[bool, Query(description="Also people whose file has vanished or was replaced.")]
Weak = Annotated[bool, Query(description="Also hits that are likely chance.")]


@router.get("/search", responses=_errors(400), response_model=SearchResponse)
async def search(
    session: Searching,
    q: Asked = None,
    where: Where = None,
    top: Annotated[int, Query(ge=1, le=500, description="Maximum number of hits of this page.")] = 60,
    offset: Annotated[
        int,
        Query(
            ge=0,
            le=2**31,
            description=(
                "Number of hits before this page: `next` of the page before. With `after` only for the ranks."
            ),
        ),
    ] = 0,
    absent: Absent = False,
    weak: Weak = False,
    apart: Annotated[
        bool,
        Query(
            description=(
                "Hits of one image, and of nearly the same picture, each by itself instead of folded into the"
                " best of them."
            )
        ),
    ] = False,
    sort: Annotated[
        Sort,
        Query(
            description=(
                "`newest` and `oldest` are by the camera's clock: everybody for whom a question of fields and"
                " filters holds, without any everybody, or the 1,000 best hits of words."
            )
        ),
    ] = "best",
    after: Annotated[
        str | None,
        Query(
            max_length=200,
            description=(
                "Where the page begins, of lists in the order of capture and of lists by fields and filters"
                " alone: `next_after` of the page before."
            ),
        ),
    ] = None,
) -> Response:
    """Find people by words, by a picture uploaded before (`picture:NAME`), by a filter, or by any of these
    together, best first; or list them in the order of capture, however many they are.
    """
    page = await session.search(
        q,
        where=where,
        top=top,
        offset=offset,
        absent=absent,
        weak=weak,
        apart=apart,
        sort=sort,
        after=after,
    )
    shown = [one.person_id for hit in page.result.hits for one in (hit, *hit.similar)]
    tags = {one: person.names for one, person in (await session_tags.tags_of(session, shown)).items()}
    # values of PAR itself: a check would take as long as the search
    return Response(to_json(search_content(page) | {"tags": tags}), media_type="application/json")


@router.get("/people/{person_id}", responses=_errors(400, 404))
async def person(session: Searching, person_id: Identity) -> PersonResponse:
    """Return everything that is known of one person."""
    tagged = (await session_tags.tags_of(session, [person_id])).get(person_id)
    return person_content(await session.person(person_id), tagged)


@router.get(
    "/people/{person_id}/crop",
    responses={**_errors(400, 404, 410), 200: JPEG_BODY},
    response_class=Response,
)
async def crop(session: Searching, person_id: Identity) -> Response:
    """Return a JPEG of the person with some surroundings, the background dimmed."""
    return jpeg(await session.crop(person_id))


@router.get("/people/{person_id}/outline", responses=_errors(400, 404, 410))
async def outline(session: Searching, person_id: Identity) -> OutlineResponse:
    """Return box and mask of the person in the image."""
    return OutlineResponse.model_validate(asdict(await session.outline(person_id)))


@router.get("/suggest", responses=_errors(400))
async def suggest(
    session: Searching,
    q: Annotated[
        str,
        Query(max_length=1000, description="A question as far as it is typed.", examples=["a woman in a ja"]),
    ],
) -> SuggestResponse:
    """Return how the last word of a question may go on, and what can be said of its words before a search."""
    return SuggestResponse.model_validate(asdict(await session.suggest(q)))


@router.get("/facets", responses=_errors(400))
async def facets(
    session: Searching, q: Counted = None, where: Where = None, absent: Absent = False, weak: Weak = False
) -> FacetsResponse:
    """Return the numbers of people of each colour, attribute, tag, folder and time in an answer: of everybody
    for whom a question of fields and filters holds, without any of everybody, or of the 1,000 best hits of
    words.
    """
    return FacetsResponse.model_validate(asdict(await session.facets(where, q=q, absent=absent, weak=weak)))


@router.get("/groups", responses=_errors(400))
async def groups(
    session: Searching,
    by: Annotated[By, Query(description="`camera` (the folder or archive of a picture) or `day`.")],
    q: Counted = None,
    where: Where = None,
    absent: Absent = False,
    weak: Weak = False,
) -> GroupsResponse:
    """Return the cameras or the days of an answer, with number of people and newest person of each."""
    return GroupsResponse.model_validate(
        asdict(await session.groups(by, q, where=where, absent=absent, weak=weak))
    )


@router.get("/status", responses=_errors(400))
async def status(session: Searching) -> StatusResponse:
    """Return the state of the store and of the server."""
    return _status_content(await session.status())


@router.get("/audit", responses=_errors())
async def audit(
    session: Annotated[UserSession, Depends(session_for("admin"))],
    top: Annotated[int, Query(ge=1, le=1000, description="Maximum number of events.")] = 100,
    before: Annotated[
        str | None,
        Query(
            pattern=r"^\d{4}-\d{2}:\d{1,12}$",
            description="Only events from before this place; `next` of the page before.",
        ),
    ] = None,
) -> AuditResponse:
    """Return events of the audit log: who asked what, when, from where, and the number of results. For
    callers with the role admin.
    """
    log_page = await session.audit(top, before)
    return AuditResponse.model_validate(
        {"events": [asdict(event) for event in log_page.events], "next": log_page.next}
    )


api_pictures.add_routes(
    router, {"photograph": _errors(400, 404, 410), "people": _errors(400, 404), "upload": _errors(400, 413)}
)
for further in (api_searches, api_tags):
    further.add_routes(router, {"reading": _errors(400, 404), "changing": _errors(400, 413)})


def error_content(problem: Problem) -> dict[str, Any]:
    """Return an error in the one form of all errors."""
    return {"error": {"status": problem.status, "kind": problem.kind, "message": problem.message}}


_FILES: Final = (
    *("listed", "indexed", "no_people", "failed", "duplicates", "forgotten", "pending"),
    *("people", "too_small", "vanished"),
)


def _status_content(status: ServeStatus) -> StatusResponse:
    report, last = status.report, status.report.commit
    counted = report.accounting
    runs = [
        {name: getattr(run.record, name) for name in ("number", "version", "rows", "upserted", "deleted")}
        | {"written_at": datetime.fromtimestamp(run.at, UTC)}
        for run in status.runs
    ]
    return StatusResponse.model_validate(
        {
            "par_version": status.par_version,
            "models": status.models,
            "running": status.running,
            "progress": asdict(status.progress) if status.progress else None,
            "people": report.rows,
            "newest_version": report.version,
            "live_version": report.live_version,
            "unindexed_rows": report.unindexed_rows,
            "vector_index": asdict(report.vector_index) if report.vector_index else None,
            "files": {name: getattr(counted, name) for name in _FILES},
            "failures": counted.failures,
            "found_people": {"found": counted.found, **counted.people_by_state},
            "person_failures": counted.person_failures,
            "unreadable_times": counted.unreadable_times,
            "skipped": report.skipped,
            "profile": last.profile if last else None,
            "embedding": last.embedding if last else None,
            "gate_passed": status.gate.passed if status.gate else None,
            "runs": runs,
        }
    )
