"""The application: API, page, and the middleware before both.

    request ── middleware (caller, host, origin, size, rate; headers) ── api.py    JSON under /api
                                                                      ├─ metrics.py  GET /metrics
                                                                      ├─ login.py  POST /login, POST /logout
                                                                      └─ pages.py  HTML, static files

``error_page(request, problem)`` of ``pages.py`` shows every error of a request outside of /api/.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser

from par_core.access import Access
from par_core.errors import ParError
from par_core.object_store.places import shown
from par_core.serve import api, login, metrics, pages
from par_core.serve.app_state import AppState
from par_core.serve.middleware import AccessMiddleware
from par_core.serve.monitoring import MonitoringMiddleware
from par_core.serve.problems import Problem, problem_of
from par_core.serve.service import ArchiveService
from par_core.serve.settings import ServeSettings
from par_core.version import __version__

__all__ = ["create_app"]

# Uploads stay in memory: Starlette would write those above 1 MB to a file, and leave that open where a body
# is cut off. The middleware limits their size.
MultiPartParser.spool_max_size = sys.maxsize

_KINDS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 408: "too_slow", 413: "too_large"}


def create_app(service: ArchiveService, settings: ServeSettings | None = None) -> FastAPI:
    """Return the application over one store. The text model is loaded when it starts.

    Args:
        service: The store.
        settings: Limits; None is the defaults.
    """
    app_state = AppState(
        service,
        settings or ServeSettings(),
        Access.open(service.store.root, service.config.access.audit_days),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.warm()
        app_state.start()
        yield
        app_state.close()

    app = FastAPI(
        title="PAR",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.app_state = app_state
    app.include_router(api.router)
    app.include_router(login.router)
    app.include_router(metrics.router)
    app.include_router(pages.router)
    app.add_middleware(AccessMiddleware, app_state=app_state, respond=_error_response)
    app.add_middleware(MonitoringMiddleware, metrics=app_state.metrics)  # before all others
    app.add_exception_handler(ParError, _error_response)
    app.add_exception_handler(HTTPException, _error_response)
    app.add_exception_handler(RequestValidationError, _error_response)
    return app


async def _error_response(request: Request, error: Exception) -> Response:
    problem = _problem(error)
    app_state: AppState = request.app.state.app_state
    app_state.metrics.refused(problem.kind)
    if request.url.path == "/metrics":
        return PlainTextResponse(f"{problem.message}\n", problem.status, _headers(problem))
    if not request.url.path.startswith("/api/"):
        return await pages.error_page(request, problem)
    return JSONResponse(api.error_content(problem), problem.status, _headers(problem))


def _headers(problem: Problem) -> dict[str, str]:
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
    return headers | ({"WWW-Authenticate": "Bearer"} if problem.status == 401 else {})


def _problem(error: Exception) -> Problem:
    match error:
        case ParError():
            problem = problem_of(error)
            return replace(problem, message=shown(problem.message))
        case RequestValidationError():
            wrong = [
                f"{'.'.join(str(part) for part in detail['loc'][1:]) or detail['loc'][0]}: {detail['msg']}"
                for detail in error.errors()[:5]
            ]
            return Problem(422, "bad_parameter", "; ".join(wrong))
        case HTTPException():
            return Problem(error.status_code, _KINDS.get(error.status_code, "http"), str(error.detail))
        case _:
            return Problem(500, "internal", "something went wrong in the server; its log says what")
