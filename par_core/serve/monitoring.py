"""Metrics of a server for Prometheus, at ``/metrics``.

The number of time series is bounded: labels are templates of routes, methods, statuses, and words of PAR,
and never a path, a question, or the name of a token. A server has a registry of its own, so that two in one
process do not mix.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from par_core.errors import StoreError
from par_core.review.record import review_names
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.store_metrics import committed_at, gauge, store_metrics
from par_core.version import __version__

__all__ = ["REFUSALS", "MonitoringMiddleware", "ServeMetrics"]

_METHODS: Final = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
_UNMATCHED: Final = "none"  # no route fits, or the request was refused before one was looked for
_CLOSED: Final = 499  # the client has gone before the answer began

#: Kinds of problems that are refusals, by limits or for want of a right.
REFUSALS: Final = frozenset(["busy", "forbidden", "too_large", "too_many", "too_slow", "unauthorized"])


class ServeMetrics:
    """Counters of one server, and the state of its store at each reading. May be shared by threads.

    Args:
        store: The store that is served.
        profile: Name of the models' profile.
    """

    def __init__(self, store: Store, profile: str) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "par_http_requests",
            "Requests, by method, route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "par_http_request_seconds",
            "Time from a request to the end of its answer, by route.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._running = Gauge(
            "par_http_requests_in_progress", "Requests that are not answered yet.", registry=self.registry
        )
        self._refusals = Counter(
            "par_refusals",
            "Requests refused by a limit or for want of a token or role.",
            ["reason"],
            registry=self.registry,
        )
        self._answers = Counter(
            "par_review_answers", "Judgements of people in reviews.", ["answer"], registry=self.registry
        )
        for reason in sorted(REFUSALS):  # shown as 0, so that an increase is seen from the first one on
            self._refusals.labels(reason)
        info = Gauge(
            "par_server_info", "Version of PAR and profile.", ["version", "profile"], registry=self.registry
        )
        info.labels(__version__, profile).set(1)
        ProcessCollector(registry=self.registry)
        self.registry.register(_StoreCollector(store))

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)

    def refused(self, kind: str) -> None:
        """Count a problem by its kind, if it is a refusal."""
        if kind in REFUSALS:
            self._refusals.labels(kind).inc()

    def judged(self, answer: str) -> None:
        """Count an answer that a review has taken: ``yes``, ``no``, ``skip``, or ``rest`` for all that were
        left of a batch.
        """
        self._answers.labels(answer).inc()

    def began(self) -> None:
        """Count a request as running."""
        self._running.inc()

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended.

        Args:
            method: Method of HTTP; one that is not known counts as ``OTHER``.
            route: Template of the route, such as ``/api/people/{person_id}``.
            status: HTTP status of the answer.
            seconds: Duration.
        """
        self._running.dec()
        self._requests.labels(method if method in _METHODS else "OTHER", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class _StoreCollector(Collector):
    """The state of a store at the moment of a reading: one small file, at the same cost for any store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        try:
            report, committed = store_status(self._store), committed_at(self._store)
            reviews = len(review_names(self._store))
        except (StoreError, OSError):
            yield gauge("par_store_readable", "Whether the state of the store can be read.", 0)
            return
        yield gauge("par_store_readable", "Whether the state of the store can be read.", 1)
        yield gauge(
            "par_store_being_written", "Whether a command writes to the store.", self._store.is_held()
        )
        yield gauge("par_reviews", "Reviews that the store keeps.", reviews)
        yield from store_metrics(report, committed)

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the store is read at readings only."""
        return iter(())


class MonitoringMiddleware:
    """ASGI middleware outside of all others, which counts requests and their time.

    Args:
        app: The application behind it.
        metrics: The counters.
    """

    def __init__(self, app: ASGIApp, metrics: ServeMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = _CLOSED, time.perf_counter()

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.began()
        try:
            await self._app(scope, receive, counted)
        finally:
            self._metrics.ended(scope["method"], _template(scope), status, time.perf_counter() - started)


def _template(scope: Scope) -> str:
    """The template of the route that has answered, which the router notes in the scope."""
    route: Any = scope.get("route")
    if route is not None:
        return str(route.path)
    app: Any = scope.get("app")
    return scope["path"] if app is not None and scope["path"] == app.openapi_url else _UNMATCHED
