"""The service as one asker meets it: let in by role, every call in a bounded pool of threads, within the time limit, and on record.

Handlers of page and API take it as a dependency, and touch the service in no other way:

    @router.get("/something")
    async def something(desk: Annotated[Desk, Depends(desk_for("search"))]) -> Response:
        page = await desk.search("a man", top=20)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from par_core.access import Access, Caller, LogPage, Role, question_text
from par_core.serve.facets import Facets
from par_core.serve.pictures import Outline
from par_core.serve.problems import UNKNOWN_CALLER, ForbiddenError, UnauthorizedError
from par_core.serve.service import ArchiveService, Person, SearchPage, UploadedPicture
from par_core.serve.settings import ServeSettings
from par_core.serve.status import ServeStatus
from par_core.serve.worker_pool import Lane

__all__ = ["COOKIE", "Desk", "House", "desk_for"]

T = TypeVar("T")

COOKIE = "par_token"


class House:
    """What one application holds: the service, its threads, its limits, and who may come in. ``app.state.house``.

    Args:
        service: The store.
        settings: Limits.
        access: Tokens and audit log of the store.
    """

    def __init__(self, service: ArchiveService, settings: ServeSettings, access: Access) -> None:
        self.service = service
        self.settings = settings
        self.access = access
        self.start()

    def start(self) -> None:
        """Make the threads (again)."""
        settings = self.settings
        self.searches = Lane("par-search", settings.searches, settings.waiting, settings.seconds)
        self.pictures = Lane("par-picture", settings.pictures, settings.waiting, settings.seconds)
        self.models = Lane("par-model", 1, settings.waiting, settings.seconds)

    def close(self) -> None:
        """Stop the threads as soon as they have nothing to do."""
        for lane in (self.searches, self.pictures, self.models):
            lane.close()

    @property
    def open_to_all(self) -> bool:
        """Whether no token is needed, because none was ever made."""
        return not self.access.has_tokens()

    def caller_of(self, request: Request) -> Caller | None:
        """Who asks: the bearer of the token in the header, or else in the cookie. Where no token is needed, the user who runs the server.

        Raises:
            StoreError: The file of tokens is damaged.
        """
        if self.open_to_all:
            return Caller.local()
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return self.access.who(token.strip() if kind.lower() == "bearer" else request.cookies.get(COOKIE))


@dataclass(frozen=True, slots=True)
class Desk:
    """The service for one request. Methods, arguments and errors are those of :class:`ArchiveService`, and those of :class:`Lane`.

    Questions, looks at one person or one whole photograph, and uploads are written to the audit log before they are answered.

    Attributes:
        house: Of the application.
        caller: Who asks.
        how: Through what: ``api`` or ``page``.
        source: Address of the caller.
    """

    house: House
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
    ) -> SearchPage:
        """See :meth:`ArchiveService.search`."""

        def search() -> SearchPage:
            return self.house.service.search(q, where=where, top=top, offset=offset, absent=absent, weak=weak, apart=apart)

        what = question_text(q, None, where) + (f"; from hit {offset + 1}" if offset else "")
        return await self._recorded(self.house.searches, "search", what, search, lambda page: len(page.result.hits))

    async def person(self, person_id: str) -> Person:
        """See :meth:`ArchiveService.person`."""
        return await self._recorded(self.house.searches, "person", person_id, lambda: self.house.service.person(person_id), lambda _: 1)

    async def crop(self, person_id: str) -> bytes:
        """See :meth:`ArchiveService.crop`."""
        return await self.house.pictures.run(self.house.service.crop, person_id)

    async def image(self, image_id: str) -> bytes:
        """See :meth:`ArchiveService.image`."""
        return await self._recorded(self.house.pictures, "image", image_id, lambda: self.house.service.image(image_id), lambda _: 1)

    async def outline(self, person_id: str) -> Outline:
        """See :meth:`ArchiveService.outline`."""
        return await self.house.pictures.run(self.house.service.outline, person_id)

    async def facets(self, where: str | None = None) -> Facets:
        """See :meth:`ArchiveService.facets`. Counts of those for whom a filter holds answer a question too."""
        if where is None or not where.strip():
            return await self.house.searches.run(self.house.service.facets, where)
        return await self._recorded(self.house.searches, "facets", question_text(None, None, where), lambda: self.house.service.facets(where), _counted)

    async def add_picture(self, content: bytes) -> UploadedPicture:
        """See :meth:`ArchiveService.add_picture`."""

        def add() -> UploadedPicture:
            return self.house.service.add_picture(content)

        return await self._recorded(self.house.models, "picture", f"{len(content)} bytes", add, lambda picture: picture.people)

    async def status(self) -> ServeStatus:
        """See :meth:`ArchiveService.status`."""
        return await self.house.searches.run(self.house.service.status)

    async def audit(self, top: int, before: str | None = None) -> LogPage:
        """See :meth:`AuditLog.latest`. That somebody has read the log is an event too."""
        what = "" if before is None else f"before {before}"
        return await self._recorded(self.house.searches, "audit_log", what, lambda: self.house.access.log.latest(top, before), lambda page: len(page.events))

    async def _recorded(self, lane: Lane, action: str, what: str, work: Callable[[], T], count: Callable[[T], int]) -> T:
        def recorded() -> T:
            with self.house.access.recording(self.caller, action, what, how=self.how, source=self.source) as found:
                answer = work()
                found.count = count(answer)
            return answer

        return await lane.run(recorded)


def _counted(facets: Facets) -> int:
    return facets.people


def desk_for(role: str) -> Callable[..., Desk]:
    """A dependency that gives the desk to callers of at least a role, and refuses others.

    Args:
        role: ``search``, ``judge`` or ``admin``.
    """
    needed = Role.named(role)

    def desk(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]) -> Desk:
        house: House = request.app.state.house
        caller: Caller | None = request.state.caller
        how, source = "api" if request.url.path.startswith("/api/") else "page", request.client.host if request.client else ""
        if caller is None:
            raise UnauthorizedError(UNKNOWN_CALLER)
        if not caller.may(needed):
            house.access.record(caller, needed, request.url.path, how=how, source=source, status="refused")
            raise ForbiddenError(f"the token {caller.name} has the role {caller.role}; this needs the role {needed}")
        return Desk(house, caller, how, source)

    return desk
