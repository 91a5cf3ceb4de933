"""The page: HTML over the same desk as the API."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from par_core.serve.problems import Problem

__all__ = ["error_page", "router"]

router = APIRouter(include_in_schema=False)


async def error_page(request: Request, problem: Problem) -> Response:
    """Say why there is no page."""
    return PlainTextResponse(problem.message, problem.status)
