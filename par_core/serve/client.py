"""A client for Python:

    from par_core.serve.client import Client

    with Client("http://127.0.0.1:8000", token="par_...") as par:
        answer = par.search("woman AND backpack", where="height_px > 100")
        for hit in answer.results:
            print(hit.probability, hit.uri)

Its methods return the responses of the API (``par_core.serve.schemas``), checked and typed. It needs no
models and no store.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from par_core.errors import BadConfigError
from par_core.serve.client_tagging import TaggingClient
from par_core.serve.connection import ServerError
from par_core.serve.schemas import (
    AuditResponse,
    HitJson,
    OutlineResponse,
    PersonResponse,
    SearchResponse,
    StatusResponse,
    SuggestResponse,
)
from par_core.serve.schemas_counts import FacetsResponse, GroupsResponse, TimelineJson
from par_core.serve.schemas_pictures import ImagePeopleResponse, PictureResponse
from par_core.serve.schemas_searches import SavedSearchesResponse, SavedSearchJson

__all__ = ["Client", "ServerError"]

Sort = Literal["best", "newest", "oldest"]
By = Literal["camera", "day"]

_PAGE: Final = 200  # hits a request, where all are wanted


class Client(TaggingClient):
    """Talks to ``par serve``. Close it, or use it as a context. Every method raises :class:`ServerError` with
    the server's message.

    Args:
        address: Address such as ``http://127.0.0.1:8000``.
        token: Token from ``par tokens add``; None where the server needs none.
        timeout: Seconds that an answer may take.
    """

    def search(
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
    ) -> SearchResponse:
        """Return one page of an answer.

        Args:
            q: A question in the query language; ``picture:NAME`` names an uploaded picture.
            where: A filter over the columns of the index.
            top: Maximum number of hits, up to 500.
            offset: Number of hits before the page: ``next`` of the page before.
            absent: Also people whose file has vanished or was replaced.
            weak: Also hits that are likely chance.
            apart: Hits of one image, and of nearly the same picture, each by itself instead of folded into
                the best of them.
            sort: ``best``, or ``newest`` or ``oldest`` in the order of capture; without question and filter,
                these list everybody.
            after: ``next_after`` of the page before, of lists in the order of capture and of lists by
                fields and filters alone.
        """
        parameters = _given(
            q=q,
            where=where,
            top=top,
            offset=offset,
            absent=absent,
            weak=weak,
            apart=apart,
            sort=sort,
            after=after,
        )
        return self._json(SearchResponse, "GET", "/api/search", params=parameters)

    def all_hits(
        self,
        q: str | None = None,
        *,
        where: str | None = None,
        absent: bool = False,
        weak: bool = False,
        apart: bool = False,
        sort: Sort = "best",
    ) -> Iterator[HitJson]:
        """Yield all hits, a page at a time: of words at most 10,000; of fields and filters alone, and in the
        order of capture, everybody.
        Arguments are those of :meth:`search`.
        """
        offset: int | None = 0
        after: str | None = None
        while offset is not None:
            page = self.search(
                q,
                where=where,
                top=_PAGE,
                offset=offset,
                absent=absent,
                weak=weak,
                apart=apart,
                sort=sort,
                after=after,
            )
            yield from page.results
            after = page.next_after
            offset = page.next if after is None else offset + len(page.results)

    def person(self, person_id: str) -> PersonResponse:
        """Return everything that is known of one person."""
        return self._json(PersonResponse, "GET", f"/api/people/{person_id}")

    def outline(self, person_id: str) -> OutlineResponse:
        """Return box and mask of a person in the image."""
        return self._json(OutlineResponse, "GET", f"/api/people/{person_id}/outline")

    def crop(self, person_id: str) -> bytes:
        """Return a JPEG of a person with some surroundings."""
        return self._send("GET", f"/api/people/{person_id}/crop").content

    def image(self, image_id: str, longest: int = 1_600) -> bytes:
        """Return a JPEG of the whole photograph; its longer side has at most so many pixels."""
        return self._send("GET", f"/api/image/{image_id}", params={"longest": longest}).content

    def image_people(self, image_id: str) -> ImagePeopleResponse:
        """Return the people of a photograph with their outlines, from left to right."""
        return self._json(ImagePeopleResponse, "GET", f"/api/image/{image_id}/people")

    def suggest(self, q: str) -> SuggestResponse:
        """Return how the last word of a question may go on, and notes on its words."""
        return self._json(SuggestResponse, "GET", "/api/suggest", params={"q": q})

    def facets(
        self, where: str | None = None, *, q: str | None = None, absent: bool = False, weak: bool = False
    ) -> FacetsResponse:
        """Return the numbers of people of each colour, attribute, tag, folder and time in an answer.
        Arguments are those of :meth:`search`.
        """
        parameters = _given(q=q, where=where, absent=absent, weak=weak)
        return self._json(FacetsResponse, "GET", "/api/facets", params=parameters)

    def groups(
        self,
        by: By,
        q: str | None = None,
        *,
        where: str | None = None,
        absent: bool = False,
        weak: bool = False,
    ) -> GroupsResponse:
        """Return the cameras (``camera``) or the days (``day``) of an answer. Further arguments are those of
        :meth:`search`.
        """
        parameters = _given(by=by, q=q, where=where, absent=absent, weak=weak)
        return self._json(GroupsResponse, "GET", "/api/groups", params=parameters)

    def timeline(
        self, where: str | None = None, *, q: str | None = None, absent: bool = False, weak: bool = False
    ) -> TimelineJson:
        """Return when the people of an answer were photographed: numbers by years, months, days or hours.
        Arguments are those of :meth:`facets`.
        """
        return self.facets(where, q=q, absent=absent, weak=weak).timeline

    def browse(
        self,
        sort: Literal["newest", "oldest"] = "newest",
        *,
        q: str | None = None,
        where: str | None = None,
        absent: bool = False,
        weak: bool = False,
        apart: bool = False,
    ) -> Iterator[HitJson]:
        """Yield people in the order of capture: all for whom a question of facts holds (of no question,
        everybody), or the 1,000 best hits of words. Arguments are those of :meth:`search`.
        """
        return self.all_hits(q, where=where, absent=absent, weak=weak, apart=apart, sort=sort)

    def searches(self) -> SavedSearchesResponse:
        """Return the saved searches with their news."""
        return self._json(SavedSearchesResponse, "GET", "/api/searches")

    def saved_search(self, name: str) -> SavedSearchJson:
        """Return one saved search with its news."""
        return self._json(SavedSearchJson, "GET", f"/api/searches/{quote(name, safe='')}")

    def save_search(
        self, q: str = "", *, where: str = "", name: str = "", weak: bool = False
    ) -> SavedSearchJson:
        """Save a search, which tells after each run who is new. Needs the role reviewer.

        Args:
            q: A question in the query language.
            where: A filter over the columns of the index.
            name: Lower-case letters, digits and hyphens; empty: made from the question.
            weak: Also hits that are likely chance.
        """
        body = {"name": name, "q": q, "where": where, "weak": weak}
        return self._json(SavedSearchJson, "POST", "/api/searches", json=body)

    def remove_search(self, name: str) -> None:
        """Remove a saved search. Needs the role reviewer."""
        self._send("DELETE", f"/api/searches/{quote(name, safe='')}")

    def status(self) -> StatusResponse:
        """Return the state of the store and of the server."""
        return self._json(StatusResponse, "GET", "/api/status")

    def audit(self, top: int = 100, before: str | None = None) -> AuditResponse:
        """Return events of the audit log, newest first. Needs a token with the role admin.

        Args:
            top: Maximum number of events, up to 1,000.
            before: ``next`` of the page before.
        """
        return self._json(
            AuditResponse, "GET", "/api/audit", params={"top": top, **({"before": before} if before else {})}
        )

    def add_picture(
        self, picture: Path | str | bytes, box: tuple[float, float, float, float] | None = None
    ) -> PictureResponse:
        """Upload a picture, given as bytes or by its path; then search people like one of those in it:
        ``search(f"picture:{answer.found[0].name}")``.

        Args:
            picture: The picture.
            box: Only the person in this box: x1, y1, x2, y2 in pixels of the upright picture.

        Raises:
            BadConfigError: The file cannot be read.
        """
        try:
            content = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        except OSError as error:
            raise BadConfigError(f"{picture!r} cannot be read: {error.strerror}") from error
        return self._json(
            PictureResponse,
            "POST",
            "/api/picture",
            files={"picture": ("picture", content, "application/octet-stream")},
            data={} if box is None else {"box": ",".join(f"{side:.1f}" for side in box)},
        )


def _given(**parameters: Any) -> dict[str, Any]:
    """Return the parameters of a request that have a value."""
    return {key: value for key, value in parameters.items() if value is not None}
