"""The service as one asker meets it: every call in a bounded pool of threads, within the time limit.

Handlers of page and API take it as a dependency, and touch the service in no other way:

    @router.get("/something")
    async def something(desk: Annotated[Desk, Depends(desk_for("search"))]) -> Response:
        page = await desk.search("a man", top=20)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from par_core.serve.facets import Facets
from par_core.serve.lanes import Lane
from par_core.serve.pictures import Outline
from par_core.serve.service import ArchiveService, Person, SearchPage, UploadedPicture
from par_core.serve.settings import ServeSettings
from par_core.serve.state import ServeStatus

__all__ = ["Desk", "House", "Role", "desk_for"]

Role = Literal["search", "judge", "admin"]


class House:
    """What one application holds: the service, its threads, its limits. ``app.state.house``.

    Args:
        service: The store.
        settings: Limits.
    """

    def __init__(self, service: ArchiveService, settings: ServeSettings) -> None:
        self.service = service
        self.settings = settings
        self.start()

    def start(self) -> None:
        """Make the threads (again)."""
        settings = self.settings
        self.searches = Lane("par-search", settings.searches, settings.waiting, settings.seconds)
        self.pictures = Lane("par-picture", settings.pictures, settings.waiting, settings.seconds)
        self.models = Lane("par-model", 1, settings.waiting, settings.seconds)

    @property
    def open_to_all(self) -> bool:
        """Whether no token is needed."""
        return True

    def close(self) -> None:
        """Stop the threads as soon as they have nothing to do."""
        for lane in (self.searches, self.pictures, self.models):
            lane.close()


@dataclass(frozen=True, slots=True)
class Desk:
    """The service for one request. Methods, arguments and errors are those of :class:`ArchiveService`, and those of :class:`Lane`.

    Attributes:
        house: Of the application.
    """

    house: House

    async def search(self, q: str | None = None, *, where: str | None = None, top: int = 60, offset: int = 0, absent: bool = False) -> SearchPage:
        """See :meth:`ArchiveService.search`."""
        return await self.house.searches.run(self.house.service.search, q, where=where, top=top, offset=offset, absent=absent)

    async def person(self, person_id: str) -> Person:
        """See :meth:`ArchiveService.person`."""
        return await self.house.searches.run(self.house.service.person, person_id)

    async def crop(self, person_id: str) -> bytes:
        """See :meth:`ArchiveService.crop`."""
        return await self.house.pictures.run(self.house.service.crop, person_id)

    async def image(self, image_id: str) -> bytes:
        """See :meth:`ArchiveService.image`."""
        return await self.house.pictures.run(self.house.service.image, image_id)

    async def outline(self, person_id: str) -> Outline:
        """See :meth:`ArchiveService.outline`."""
        return await self.house.pictures.run(self.house.service.outline, person_id)

    async def facets(self, where: str | None = None) -> Facets:
        """See :meth:`ArchiveService.facets`."""
        return await self.house.searches.run(self.house.service.facets, where)

    async def add_picture(self, content: bytes) -> UploadedPicture:
        """See :meth:`ArchiveService.add_picture`."""
        return await self.house.models.run(self.house.service.add_picture, content)

    async def status(self) -> ServeStatus:
        """See :meth:`ArchiveService.status`."""
        return await self.house.searches.run(self.house.service.status)


def desk_for(role: Role) -> Callable[[Request], Desk]:
    """A dependency that gives the desk to callers of (at least) a role.

    Args:
        role: ``search``, ``judge`` or ``admin``.
    """

    def desk(request: Request) -> Desk:
        return Desk(request.app.state.house)

    return desk
