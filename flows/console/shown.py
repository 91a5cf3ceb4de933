"""What the terminal shows of an answer, whether it was found here or comes from a server."""

from collections.abc import Sequence
from typing import Protocol

from par_core.query.certainty import Shares

__all__ = ["ShownAnswer", "ShownHit", "ShownPart"]


class ShownPart(Protocol):
    """How one part of a question fits; see ``par_core.query.answer.PartScore``."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def wanted(self) -> bool: ...  # noqa: D102
    @property
    def fit(self) -> float: ...  # noqa: D102
    @property
    def weight(self) -> float: ...  # noqa: D102
    @property
    def lost(self) -> float: ...  # noqa: D102
    @property
    def detail_of(self) -> str | None: ...  # noqa: D102


class ShownHit(Protocol):
    """One person; see ``par_core.query.answer.Hit``."""

    @property
    def rank(self) -> int: ...  # noqa: D102
    @property
    def person_id(self) -> str: ...  # noqa: D102
    @property
    def uri(self) -> str: ...  # noqa: D102
    @property
    def probability(self) -> float | None: ...  # noqa: D102
    @property
    def cosine(self) -> float | None: ...  # noqa: D102
    @property
    def height_px(self) -> float: ...  # noqa: D102
    @property
    def cutout(self) -> float | None: ...  # noqa: D102
    @property
    def seen(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def upper_color(self) -> str | None: ...  # noqa: D102
    @property
    def lower_color(self) -> str | None: ...  # noqa: D102
    @property
    def parts(self) -> Sequence[ShownPart]: ...  # noqa: D102
    @property
    def similar(self) -> Sequence[object]: ...  # noqa: D102


class ShownAnswer(Protocol):
    """An answer; see ``par_core.query.answer.SearchResult``."""

    @property
    def hits(self) -> Sequence[ShownHit]: ...  # noqa: D102
    @property
    def searched(self) -> int: ...  # noqa: D102
    @property
    def warnings(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def why(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def order(self) -> str: ...  # noqa: D102
    @property
    def chance(self) -> Shares | None: ...  # noqa: D102
