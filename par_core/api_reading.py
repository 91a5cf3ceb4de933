"""What an archive answers beside searches: the methods of ``par_core.serve.client.Client``, with the same
names, arguments and types, answered in this process. A test holds both against each other.

Errors are those of PAR itself, where the client raises ``ServerError`` with the same message.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from par_core.api_counting import ArchiveCounting
from par_core.api_saved_searches import ArchiveSavedSearches
from par_core.errors import BadConfigError
from par_core.option_names import with_arguments_named

if TYPE_CHECKING:
    from par_core.serve.schemas import (
        AuditResponse,
        HitJson,
        OutlineResponse,
        PersonResponse,
        SearchResponse,
        SuggestResponse,
    )
    from par_core.serve.schemas_pictures import ImagePeopleResponse, PictureResponse

__all__ = ["ArchiveReading"]

Sort = Literal["best", "newest", "oldest"]

_PAGE = 200


@with_arguments_named
class ArchiveReading(ArchiveCounting, ArchiveSavedSearches):
    """Reads a store: people, counts, times, saved searches, audit log."""

    def all_hits(
        self,
        q: str | None = None,
        *,
        where: str | None = None,
        absent: bool = False,
        weak: bool = False,
        apart: bool = False,
        sort: Sort = "best",
    ) -> "Iterator[HitJson]":
        """Yield all hits of a question, a page at a time: of words at most 10,000; of fields and filters
        alone, and in the order of capture, everybody.

        Args:
            q: A question in the query language, or None.
            where: A filter, or None.
            absent: Also people whose file has vanished or was replaced.
            weak: Also hits that are likely chance.
            apart: Hits of one image, and of nearly the same picture, each by itself.
            sort: ``best``, ``newest`` or ``oldest``.

        Raises:
            BadConfigError: The question or the filter is wrong.

        Example:
            >>> sorted(hit.upper_color for hit in archive.all_hits(where="upper_color = 'red'"))
            ['red', 'red']
        """
        offset: int | None = 0
        after: str | None = None
        while offset is not None:
            page = self._page(q, where, offset, absent=absent, weak=weak, apart=apart, sort=sort, after=after)
            yield from page.results
            after = page.next_after
            offset = page.next if after is None else offset + len(page.results)

    def browse(
        self,
        sort: Literal["newest", "oldest"] = "newest",
        *,
        q: str | None = None,
        where: str | None = None,
        absent: bool = False,
        weak: bool = False,
        apart: bool = False,
    ) -> "Iterator[HitJson]":
        """Yield people in the order of capture: all for whom a question of facts holds (of no question,
        everybody), or the 1,000 best hits of words. Arguments are those of :meth:`all_hits`.

        Example:
            >>> len(list(archive.browse("oldest", apart=True)))
            6
        """
        return self.all_hits(q, where=where, absent=absent, weak=weak, apart=apart, sort=sort)

    def person(self, person_id: str) -> "PersonResponse":
        """Return everything that is known of one person.

        Raises:
            UnknownIdError: No person in the index has this id.
        """
        from par_core.serve.contents import person_content
        from par_core.serve.tagging import Tagging

        def content() -> "PersonResponse":
            tagged = Tagging(self._service).of([person_id]).get(person_id)
            return person_content(self._service.person(person_id), tagged)

        return self._recorded("person", person_id, content, lambda _: 1)

    def outline(self, person_id: str) -> "OutlineResponse":
        """Return box and mask of a person in the image.

        Raises:
            UnknownIdError: No person in the index has this id.
        """
        from par_core.serve.schemas import OutlineResponse

        return OutlineResponse.model_validate(asdict(self._service.outline(person_id)))

    def crop(self, person_id: str) -> bytes:
        """Return a JPEG of a person with some surroundings.

        Raises:
            UnknownIdError: No person in the index has this id.
            GoneError: The file is not there any more, or is another one now.
        """
        return self._service.crop(person_id)

    def image(self, image_id: str, longest: int = 1_600) -> bytes:
        """Return a JPEG of the whole photograph; its longer side has at most so many pixels.

        Raises:
            BadConfigError: ``longest`` is less than 1.
            UnknownIdError: The index has no image with this id.
            GoneError: No place of it holds it any more.
        """
        if longest < 1:
            raise BadConfigError(f"longest is a number of pixels, 1 or more; got {longest}")
        return self._recorded("image", image_id, lambda: self._service.image(image_id, longest), lambda _: 1)

    def image_people(self, image_id: str) -> "ImagePeopleResponse":
        """Return the people of a photograph with their outlines, from left to right.

        Raises:
            UnknownIdError: The index has no image with this id.
        """
        from par_core.serve.schemas_pictures import ImagePeopleResponse

        found = self._recorded(
            "image", image_id, lambda: self._service.image_people(image_id), lambda found: len(found.people)
        )
        return ImagePeopleResponse.model_validate(asdict(found))

    def suggest(self, q: str) -> "SuggestResponse":
        """Return how the last word of a question may go on, and notes on its words.

        Example:
            >>> archive.suggest("upper:re").completions
            ['upper:red']
        """
        from par_core.serve.schemas import SuggestResponse

        return SuggestResponse.model_validate(asdict(self._service.suggest(q)))

    def audit(self, top: int = 100, before: str | None = None) -> "AuditResponse":
        """Return events of the audit log, newest first.

        Args:
            top: Maximum number of events.
            before: ``next`` of the page before.
        """
        from par_core.serve.schemas import AuditResponse

        page = self._recorded(
            "audit_log",
            "" if before is None else f"before {before}",
            lambda: self._access.log.latest(top, before),
            lambda page: len(page.events),
        )
        return AuditResponse.model_validate(
            {"events": [asdict(event) for event in page.events], "next": page.next}
        )

    def add_picture(
        self, picture: Path | str | bytes, box: tuple[float, float, float, float] | None = None
    ) -> "PictureResponse":
        """Describe the people of a picture, given as bytes or by its path, for questions: ``picture:`` with
        ``name`` of one that was found; the largest comes first.

        Args:
            picture: The picture.
            box: Only the person in this box: x1, y1, x2, y2 in pixels of the upright picture.

        Raises:
            BadConfigError: The file cannot be read, or shows no person, or the box is outside of it.
        """
        from par_core.errors import BadConfigError
        from par_core.serve.contents import picture_content

        try:
            content = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        except OSError as error:
            raise BadConfigError(f"{picture!r} cannot be read: {error.strerror}") from error
        added = self._recorded(
            "picture",
            f"{len(content)} bytes",
            lambda: self._service.add_picture(content, box),
            lambda added: len(added.people),
        )
        return picture_content(added)

    def _page(
        self,
        q: str | None,
        where: str | None,
        offset: int,
        *,
        absent: bool,
        weak: bool,
        apart: bool,
        sort: Sort,
        after: str | None,
    ) -> "SearchResponse":
        from par_core.access import question_text
        from par_core.serve.contents import search_content
        from par_core.serve.schemas import SearchResponse

        what = question_text(q, None, where) or "everybody"
        what += ("" if sort == "best" else f"; {sort} first") + (f"; from hit {offset + 1}" if offset else "")
        page = self._recorded(
            "search",
            what,
            lambda: self._service.search(
                q,
                where=where,
                top=_PAGE,
                offset=offset,
                absent=absent,
                weak=weak,
                apart=apart,
                sort=sort,
                after=after,
            ),
            lambda page: len(page.result.hits),
        )
        return SearchResponse.model_validate(search_content(page))
