"""Counts of the people of an answer: methods of ``par_core.serve.client.Client``, made in this process."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from par_core.api_recorded import ArchiveRecorded
from par_core.errors import BadConfigError
from par_core.option_names import with_arguments_named

if TYPE_CHECKING:
    from par_core.serve.schemas_counts import FacetsResponse, GroupsResponse, TimelineJson

__all__ = ["ArchiveCounting"]

T = TypeVar("T")
By = Literal["camera", "day"]


@with_arguments_named
class ArchiveCounting(ArchiveRecorded):
    """Counts the people of answers."""

    def facets(
        self, where: str | None = None, *, q: str | None = None, absent: bool = False, weak: bool = False
    ) -> "FacetsResponse":
        """Return the numbers of people of each colour, attribute, tag, folder and time in an answer.
        Arguments are those of :meth:`all_hits`.

        Raises:
            BadConfigError: The question or the filter is wrong.

        Example:
            >>> archive.facets("upper_color in ('red', 'blue')").upper_color
            {'red': 2, 'blue': 1}
        """
        from par_core.serve.schemas_counts import FacetsResponse

        return self._counted(
            q,
            where,
            lambda: FacetsResponse.model_validate(
                asdict(self._service.facets(where, q=q, absent=absent, weak=weak))
            ),
            lambda facets: facets.people,
        )

    def groups(
        self,
        by: By,
        q: str | None = None,
        *,
        where: str | None = None,
        absent: bool = False,
        weak: bool = False,
    ) -> "GroupsResponse":
        """Return the cameras (``camera``) or the days (``day``) of an answer. Further arguments are those of
        :meth:`all_hits`.

        Raises:
            BadConfigError: ``by`` is neither, or the question or the filter is wrong.
        """
        if by not in get_args(By):
            raise BadConfigError(f"no groups by {by!r}; there are: {', '.join(get_args(By))}")
        from par_core.serve.schemas_counts import GroupsResponse

        return self._counted(
            q,
            where,
            lambda: GroupsResponse.model_validate(
                asdict(self._service.groups(by, q, where=where, absent=absent, weak=weak))
            ),
            lambda groups: groups.people,
        )

    def timeline(
        self, where: str | None = None, *, q: str | None = None, absent: bool = False, weak: bool = False
    ) -> "TimelineJson":
        """Return when the people of an answer were photographed: numbers by years, months, days or hours.
        Arguments are those of :meth:`facets`.
        """
        return self.facets(where, q=q, absent=absent, weak=weak).timeline

    def _counted(
        self, q: str | None, where: str | None, count: Callable[[], T], people: Callable[[T], int]
    ) -> T:
        """Count, and record it unless everybody is counted: other counts answer a question."""
        from par_core.access import question_text

        what = question_text(q, None, where)
        return self._recorded("facets", what, count, people) if what else count()
