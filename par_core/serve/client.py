"""A client for Python:

    from par_core.serve.client import Client

    with Client("http://127.0.0.1:8000", token="par_...") as par:
        answer = par.search("woman AND backpack", where="height_px > 100")
        for hit in answer.results:
            print(hit.probability, hit.uri)

Its methods return the responses of the API (``par_core.serve.schemas``), checked and typed. It needs no
models and no store.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from par_core.errors import BadConfigError, ParError
from par_core.serve.schemas import (
    ApiModel,
    AuditResponse,
    ErrorResponse,
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
from par_core.serve.schemas_tags import (
    ComparisonResponse,
    ForgettingResponse,
    TaggedPeopleResponse,
    TaggedPersonJson,
    TagsResponse,
)

__all__ = ["Client", "ServerError"]

R = TypeVar("R", bound=ApiModel)
Sort = Literal["best", "newest", "oldest"]
By = Literal["camera", "day"]

_PAGE: Final = 200  # hits a request, where all are wanted


class ServerError(ParError):
    """The server refused a request or did not answer it.

    Attributes:
        status: HTTP status; 0 if there was no answer at all.
        kind: One word, such as ``bad_query``.
    """

    def __init__(self, message: str, status: int = 0, kind: str = "unreachable") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    def __reduce__(self) -> tuple[type["ServerError"], tuple[str, int, str]]:
        return type(self), (str(self), self.status, self.kind)


class Client:
    """Talks to ``par serve``. Close it, or use it as a context. Every method raises :class:`ServerError` with
    the server's message.

    Args:
        address: Address such as ``http://127.0.0.1:8000``.
        token: Token from ``par tokens add``; None where the server needs none.
        timeout: Seconds that an answer may take.
    """

    def __init__(
        self, address: str = "http://127.0.0.1:8000", token: str | None = None, *, timeout: float = 30.0
    ) -> None:
        self.address = address.rstrip("/")
        headers = {"Origin": self.address} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            self._http = httpx.Client(base_url=self.address, headers=headers, timeout=timeout)
        except (httpx.InvalidURL, ValueError) as error:
            raise BadConfigError(f"{address!r} is no address of a server: {error}") from error

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

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

    def tags(self) -> TagsResponse:
        """Return the tags of the store, with the number of people of each."""
        return self._json(TagsResponse, "GET", "/api/tags")

    def tags_of(self, person_id: str) -> TaggedPersonJson:
        """Return tags and note of a person."""
        return self._json(TaggedPersonJson, "GET", f"/api/people/{person_id}/tags")

    def tag(
        self,
        people: Sequence[str],
        add: Sequence[str] = (),
        *,
        remove: Sequence[str] = (),
        note: str | None = None,
    ) -> TaggedPeopleResponse:
        """Add and remove tags of people, or write a note on them. Needs the role reviewer.

        Args:
            people: Ids of the people, at most 1,000.
            add: Tags to add.
            remove: Tags to remove.
            note: The note to write; empty removes it, None leaves it.
        """
        body = {"people": list(people), "add": list(add), "remove": list(remove), "note": note}
        return self._json(TaggedPeopleResponse, "POST", "/api/tags", json=body)

    def compare(self, first: str, second: str) -> ComparisonResponse:
        """Compare two people, by id: how alike they look to the model, and in what they differ."""
        parameters = {"first": first, "second": second}
        return self._json(ComparisonResponse, "GET", "/api/compare", params=parameters)

    def forget(self, people: Sequence[str], number: int) -> ForgettingResponse:
        """Begin to erase people for good; :meth:`forgetting` says how it ended. Needs the role admin.

        Args:
            people: Ids of the people, at most 1,000.
            number: How many different people they are, to confirm it.
        """
        body = {"people": list(people), "number": number}
        return self._json(ForgettingResponse, "POST", "/api/forget", json=body)

    def forgetting(self, name: str) -> ForgettingResponse:
        """Return an erasure, under way or ended. Needs the role admin."""
        return self._json(ForgettingResponse, "GET", f"/api/forget/{name}")

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

    def _json(self, kind: type[R], method: str, path: str, **request: Any) -> R:
        response = self._send(method, path, **request)
        try:
            return kind.model_validate_json(response.content, extra="ignore")  # a newer server may send more
        except ValidationError as error:
            raise ServerError(
                f"{self.address} answers in a form that this version of PAR does not know",
                response.status_code,
                "other_version",
            ) from error

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ServerError(
                f"no answer from {self.address} ({error}); is the server running? Start it with: par serve"
                " --store DIR"
            ) from error
        if response.is_success:
            return response
        try:
            problem = ErrorResponse.model_validate_json(response.content).error
        except ValidationError as error:
            raise ServerError(
                f"{self.address} answers {response.status_code}, and not as a PAR server does",
                response.status_code,
                "other_server",
            ) from error
        raise ServerError(problem.message, problem.status, problem.kind)


def _given(**parameters: Any) -> dict[str, Any]:
    """Return the parameters of a request that have a value."""
    return {key: value for key, value in parameters.items() if value is not None}
