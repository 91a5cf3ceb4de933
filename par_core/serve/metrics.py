"""The route ``/metrics`` for Prometheus: for this machine where no token is needed, else for every token."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from par_core.serve.user_session import UserSession, session_for

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(session: Annotated[UserSession, Depends(session_for("metrics"))]) -> Response:
    """Return the metrics. They take no place among the searches: they are wanted most when those are full."""
    text = await run_in_threadpool(session.app_state.metrics.text)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
