"""Scores as a table that fits a terminal: a row for each attribute or query, short names of columns."""

from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["figure", "table"]

_SHORT: Final = {
    "accuracy": "acc",
    "precision": "prec",
    "recall": "rec",
    "threshold": "thr",
    "prevalence": "share",
    "ap_over_prevalence": "ap/share",
    "by_text_alone": "by text",
}


def figure(value: float | None) -> str:
    """Format a value: three decimals for a float, an integer as it is, a dash for None."""
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def table(rows: Mapping[str, Mapping[str, float | None]]) -> Iterator[str]:
    """Yield a line of column names, then a line for each row; nothing if there are no rows.

    Args:
        rows: Figures by row name and column name; a row may lack columns.
    """
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    heads = [_SHORT.get(column, column) for column in columns]
    wide = max((len(name) for name in rows), default=0)
    cells = {name: [figure(row.get(column)) for column in columns] for name, row in rows.items()}
    widths = [max(len(head), *(len(row[i]) for row in cells.values())) for i, head in enumerate(heads)]
    if rows:
        yield f"  {'':{wide}} " + " ".join(
            f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)
        )
    for name, row in cells.items():
        yield f"  {name:{wide}} " + " ".join(
            f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)
        )
