"""The service for one user: access by role, every call in a bounded pool of threads, within the time limit,
and in the audit log.

Handlers of page and API take it as a dependency, and use the service in no other way:

    @router.get("/something")
    async def something(session: Annotated[UserSession, Depends(session_for("search"))]) -> Response:
        page = await session.search("a man", top=20)
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from par_core.access import Caller, LogPage, Role, question_text
from par_core.alerts.record import SavedSearch
from par_core.query.by_time import Sort
from par_core.serve.answers import ImagePeople
from par_core.serve.app_state import AppState
from par_core.serve.facets import Facets
from par_core.serve.groups import By, Groups
from par_core.serve.pictures import Outline
from par_core.serve.problems import UNKNOWN_CALLER, ForbiddenError, UnauthorizedError
from par_core.serve.saved_searches import Saving
from par_core.serve.service import PersonDetails, SearchPage, Suggestions, UploadedPicture
from par_core.serve.status import ServeStatus
from par_core.serve.worker_pool import WorkerPool
from par_core.store.run_progress import RunProgress

__all__ = ["UserSession", "session_for"]

T = TypeVar("T")
C = TypeVar("C", Facets, Groups)


@dataclass(frozen=True, slots=True)
class UserSession:
    """The service for one request. Methods, arguments and errors are those of :class:`ArchiveService`, and
    those of :class:`WorkerPool`.

    Questions, looks at one person or one whole photograph, and uploads are written to the audit log before
    they are answered.

    Attributes:
        app_state: State of the application.
        caller: The user.
        how: ``api`` or ``page``.
        source: Address of the caller.
    """

    app_state: AppState
    caller: Caller
    how: str
    source: str

    async def search(
        self,
        q: str | None = None,
        *,
        where: str | None = None,
        top: int = 60,
        offset: int = 0,
        absent: bool = False,
        weak: bool = False,
        apart: bool = False,
        sort: Sort = "best",
        after: str | None = None,
    ) -> SearchPage:
        """See :meth:`ArchiveService.search`."""

        def search() -> SearchPage:
            return self.app_state.service.search(
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

        what = question_text(q, None, where) or "everybody"
        what += ("" if sort == "best" else f"; {sort} first") + (f"; from hit {offset + 1}" if offset else "")
        return await self.recorded(
            self.app_state.searches, "search", what, search, lambda page: len(page.result.hits)
        )

    async def suggest(self, q: str) -> Suggestions:
        """See :meth:`ArchiveService.suggest`. Not recorded: it looks at nobody."""
        return await self.app_state.searches.run(self.app_state.service.suggest, q)

    async def examples(self) -> tuple[str, ...]:
        """See :meth:`ArchiveService.examples`. Not recorded: it is the same for everybody."""
        return await self.app_state.searches.run(self.app_state.service.examples)

    async def person(self, person_id: str) -> PersonDetails:
        """See :meth:`ArchiveService.person`."""
        return await self.recorded(
            self.app_state.searches,
            "person",
            person_id,
            lambda: self.app_state.service.person(person_id),
            lambda _: 1,
        )

    async def crop(self, person_id: str) -> bytes:
        """See :meth:`ArchiveService.crop`."""
        return await self.app_state.pictures.run(self.app_state.service.crop, person_id)

    async def image(self, image_id: str, longest: int | None = None) -> bytes:
        """See :meth:`ArchiveService.image`."""
        sizes = {} if longest is None else {"longest": longest}
        return await self.recorded(
            self.app_state.pictures,
            "image",
            image_id,
            lambda: self.app_state.service.image(image_id, **sizes),
            lambda _: 1,
        )

    async def image_people(self, image_id: str) -> ImagePeople:
        """See :meth:`ArchiveService.image_people`."""
        return await self.recorded(
            self.app_state.searches,
            "image",
            image_id,
            lambda: self.app_state.service.image_people(image_id),
            lambda found: len(found.people),
        )

    async def outline(self, person_id: str) -> Outline:
        """See :meth:`ArchiveService.outline`."""
        return await self.app_state.pictures.run(self.app_state.service.outline, person_id)

    async def facets(
        self, where: str | None = None, *, q: str | None = None, absent: bool = False, weak: bool = False
    ) -> Facets:
        """See :meth:`ArchiveService.facets`. Recorded unless they are of everybody: such counts answer a
        question.
        """

        def count() -> Facets:
            return self.app_state.service.facets(where, q=q, absent=absent, weak=weak)

        return await self._counted("facets", question_text(q, None, where), count)

    async def groups(
        self,
        by: By,
        q: str | None = None,
        *,
        where: str | None = None,
        absent: bool = False,
        weak: bool = False,
    ) -> Groups:
        """See :meth:`ArchiveService.groups`. Recorded as facets are."""

        def count() -> Groups:
            return self.app_state.service.groups(by, q, where=where, absent=absent, weak=weak)

        return await self._counted("facets", question_text(q, None, where), count)

    async def _counted(self, action: str, what: str, count: Callable[[], C]) -> C:
        if not what:
            return await self.app_state.counts.run(count)
        return await self.recorded(self.app_state.counts, action, what, count, lambda counted: counted.people)

    async def saved_searches(self) -> list[SavedSearch]:
        """See :meth:`SavedSearches.all`. Not recorded: it looks at nobody."""
        return await self.app_state.searches.run(self.app_state.saved.all)

    async def saved_search(self, name: str) -> SavedSearch:
        """See :meth:`SavedSearches.one`."""
        return await self.recorded(
            self.app_state.searches,
            "saved_search",
            name,
            lambda: self.app_state.saved.one(name),
            lambda search: sum(len(news.people) for news in search.news),
        )

    async def save_search(self, saving: Saving) -> SavedSearch:
        """See :meth:`SavedSearches.add`."""
        return await self.recorded(
            self.app_state.searches,
            "add_saved_search",
            saving.what,
            lambda: self.app_state.saved.add(saving, self.caller.name),
            lambda search: search.found,
        )

    async def remove_search(self, name: str) -> None:
        """See :meth:`SavedSearches.remove`."""
        await self.recorded(
            self.app_state.searches,
            "remove_saved_search",
            name,
            lambda: self.app_state.saved.remove(name),
            lambda _: 0,
        )

    async def add_picture(
        self, content: bytes, box: tuple[float, float, float, float] | None = None, *, empty: bool = False
    ) -> UploadedPicture:
        """See :meth:`ArchiveService.add_picture`."""

        def add() -> UploadedPicture:
            return self.app_state.service.add_picture(content, box, empty=empty)

        what = f"{len(content)} bytes" + ("" if box is None else f"; box {box}")
        return await self.recorded(
            self.app_state.models, "picture", what, add, lambda picture: len(picture.people)
        )

    async def shown_picture(self, content: bytes) -> bytes:
        """See :meth:`ArchiveService.shown_picture`. Not recorded: the caller gave the picture."""
        return await self.app_state.pictures.run(self.app_state.service.shown_picture, content)

    async def status(self) -> ServeStatus:
        """See :meth:`ArchiveService.status`."""
        return await self.app_state.searches.run(self.app_state.service.status)

    async def progress(self) -> tuple[bool, RunProgress | None]:
        """See :meth:`ArchiveService.progress`."""
        return await self.app_state.searches.run(self.app_state.service.progress)

    async def audit(self, top: int, before: str | None = None) -> LogPage:
        """See :meth:`AuditLog.latest`. Reading the log is an event too."""
        what = "" if before is None else f"before {before}"
        return await self.recorded(
            self.app_state.searches,
            "audit_log",
            what,
            lambda: self.app_state.access.log.latest(top, before),
            lambda page: len(page.events),
        )

    async def recorded(
        self,
        worker_pool: WorkerPool,
        action: str,
        what: str,
        work: Callable[[], T],
        count: Callable[[T], int],
    ) -> T:
        """Run an action of the user in a pool of threads, and write it to the audit log."""

        def recorded() -> T:
            with self.app_state.access.recording(
                self.caller, action, what, how=self.how, source=self.source
            ) as event:
                answer = work()
                event.count = count(answer)
            return answer

        return await worker_pool.run(recorded)


def session_for(role: str) -> Callable[..., Coroutine[None, None, UserSession]]:
    """Return a dependency that gives the session to callers of at least a role, and refuses others.

    Args:
        role: ``metrics``, ``search``, ``reviewer`` or ``admin``.
    """
    needed = Role.named(role)

    async def session(  # not in a thread of its own, which would cost as much as the rest of a request
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    ) -> UserSession:
        app_state: AppState = request.app.state.app_state
        caller: Caller | None = request.state.caller
        how, source = (
            "api" if request.url.path.startswith("/api/") else "page",
            request.client.host if request.client else "",
        )
        if caller is None:
            raise UnauthorizedError(UNKNOWN_CALLER)
        if not caller.may(needed):
            record = partial(app_state.access.record, how=how, source=source, status="refused")
            await run_in_threadpool(record, caller, needed, request.url.path)
            raise ForbiddenError(
                f"the token {caller.name} has the role {caller.role}; this needs the role {needed}"
            )
        return UserSession(app_state, caller, how, source)

    return session
