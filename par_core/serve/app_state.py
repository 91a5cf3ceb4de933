"""What one application holds: the service, its threads, its limits, its access control, and its metrics."""

from fastapi import Request

from par_core.access import Access, Caller
from par_core.serve.forgettings import Forgettings
from par_core.serve.monitoring import ServeMetrics
from par_core.serve.saved_searches import SavedSearches
from par_core.serve.service import ArchiveService
from par_core.serve.settings import ServeSettings
from par_core.serve.tagging import Tagging
from par_core.serve.worker_pool import WorkerPool

__all__ = ["COOKIE", "AppState"]

#: Name of the cookie that holds a token.
COOKIE = "par_token"


class AppState:
    """State of one application, in ``app.state.app_state``: the service, its threads, its limits, its access
    control, and its metrics.

    Args:
        service: The store.
        settings: Limits.
        access: Tokens and audit log of the store.
    """

    def __init__(self, service: ArchiveService, settings: ServeSettings, access: Access) -> None:
        self.service = service
        self.settings = settings
        self.access = access
        self.saved = SavedSearches(service)
        self.tagging = Tagging(service)
        self.forgettings = Forgettings(service, access)
        self.metrics = ServeMetrics(service.store, service.config.profile)
        self.start()

    def start(self) -> None:
        """Make the threads (again), and let processes be started."""
        settings = self.settings
        self.service.start_processes(min(settings.processes, settings.searches) - 1)
        self.searches = WorkerPool("par-search", settings.searches, settings.waiting, settings.seconds)
        self.pictures = WorkerPool("par-picture", settings.pictures, settings.waiting, settings.seconds)
        # who waits for an answer waits for its people and their pictures first, then for counts
        at_once, most = max(settings.searches // 2, 1), settings.waiting
        self.counts = WorkerPool("par-count", at_once, most, settings.seconds, gives_way=True)
        self.models = WorkerPool("par-model", 1, settings.waiting, settings.seconds)

    def close(self) -> None:
        """Stop threads and processes as soon as they have nothing to do."""
        self.service.close()
        for worker_pool in (self.searches, self.pictures, self.counts, self.models):
            worker_pool.close()

    @property
    def open_to_all(self) -> bool:
        """Whether no token is needed, because none was ever made."""
        return not self.access.has_tokens()

    def caller_of(self, request: Request) -> Caller | None:
        """Return the caller: the bearer of the token in the header, or else in the cookie. Where no token is
        needed, the user who runs the server.

        Raises:
            StoreError: The file of tokens is damaged.
        """
        if self.open_to_all:
            return Caller.local()
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return self.access.caller_of(
            token.strip() if kind.lower() == "bearer" else request.cookies.get(COOKIE)
        )
