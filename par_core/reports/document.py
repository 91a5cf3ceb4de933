"""What a report holds, apart from how it looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from par_core.metrics.bootstrap import Interval

__all__ = ["Bar", "Figure", "Picture", "Report", "Section", "Sheet", "Table"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that stands large at the top; with its interval, where it has one."""

    name: str
    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A value that is drawn in a row of a table, with its interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval) -> "Bar":
        """The bar of a figure."""
        return cls(interval.estimate, interval.low, interval.high)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text, the first column names them.

    Attributes:
        columns: Headings.
        rows: As long as the headings.
        bars: One a row, drawn after the name; none at all without.
        start: The value at which bars begin: what chance gives, or no difference.
        ends: The values at both ends of the scale.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[Bar, ...] = ()
    start: float = 0.0
    ends: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Picture:
    """A small JPEG of a case; ``right`` decides the frame, None draws none."""

    jpeg: bytes
    caption: str
    file: str
    right: bool | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Pictures that belong together."""

    title: str
    note: str
    pictures: tuple[Picture, ...]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page under its own heading."""

    title: str
    note: str = ""
    plot: Markup | None = None
    table: Table | None = None
    sheets: tuple[Sheet, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A page.

    Attributes:
        title: Heading.
        subtitle: What was measured with what.
        figures: The numbers at the top.
        sections: In reading order.
        conventions: How the numbers are counted, one sentence each.
        about: Names and values for the foot; a value may be such a mapping itself.
    """

    title: str
    subtitle: str
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    conventions: tuple[str, ...]
    about: Mapping[str, Any]
