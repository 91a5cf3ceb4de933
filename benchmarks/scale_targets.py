"""The targets of ``benchmarks/scale.py``, and whether its measurements meet them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

__all__ = ["Sizes", "compared_with_targets", "cpu", "markdown", "peak"]

Record = dict[str, Any]
_SAME_WORK: Final = {"rebuild": ("rebuild", "first commit")}  # measured under either name


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of the stores in images.

    Attributes:
        n: The size in the middle, N.
        base: The size at which verify is compared with the base.
    """

    n: int
    base: int

    @property
    def quarter(self) -> int:
        """N/4."""
        return self.n // 4

    @property
    def half(self) -> int:
        """N/2."""
        return self.n // 2

    @property
    def double(self) -> int:
        """2 N."""
        return self.n * 2

    @property
    def four(self) -> int:
        """4 N."""
        return self.n * 4


def select(records: Sequence[Record], build: str, operation: str, images: int) -> list[Record]:
    """Return the measurements of one operation of one build at one size. A first commit does the work of a
    rebuild, and counts as one.
    """
    names = _SAME_WORK.get(operation, (operation,))
    return [
        record
        for record in records
        if (record["build"], record["images"]) == (build, images) and record["operation"] in names
    ]


def cpu(records: Sequence[Record], build: str, operation: str, images: int) -> float | None:
    """Return the median CPU seconds of an operation, without start-up and without the models; None if it was
    not measured.
    """
    chosen = select(records, build, operation, images)
    totals = [
        sum(cost["cpu_s"] for part, cost in record["costs"].items() if part != "models") for record in chosen
    ]
    return median(totals) if totals else None


def peak(records: Sequence[Record], build: str, operation: str, images: int) -> float | None:
    """Return the median peak memory of an operation's process in MB; None if it was not measured."""
    chosen = [record["peak_mb"] for record in select(records, build, operation, images)]
    return median(chosen) if chosen else None


def per_person(records: Sequence[Record], build: str, operation: str, images: int) -> float | None:
    """Return the median CPU seconds of an operation for each person; None if it was not measured."""
    seconds = cpu(records, build, operation, images)
    chosen = select(records, build, operation, images)
    return None if seconds is None else seconds / max(1, median(record["people"] for record in chosen))


def compared_with_targets(records: Sequence[Record], sizes: Sizes) -> list[dict[str, Any]]:
    """Return one row a target: measure, values behind it, result, bound and whether it is met.

    ``met`` is None where a side was not measured.

    Args:
        records: Measurements of ``scale.py``.
        sizes: Sizes of its stores.
    """
    images, quarter, half, double, four = sizes.n, sizes.quarter, sizes.half, sizes.double, sizes.four

    def value(of: Callable[..., float | None], operation: str, size: int, build: str = "new") -> float | None:
        return of(records, build, operation, size)

    def row(
        measure: str, unit: str, bound: float, above: float | None, below: float | None = 1.0
    ) -> dict[str, Any]:
        known = above is not None and below is not None
        result = above / below if known and below else None  # type: ignore[operator]
        return {
            "measure": measure,
            "unit": unit,
            "values": [above, below] if below != 1.0 else [above],
            "result": result,
            "at_most": bound,
            "met": None if result is None else result <= bound,
        }

    def against_base(measure: str, bound: float, operation: str, size: int) -> dict[str, Any]:
        return row(
            f"{measure}, {size:,} images, new / base", "CPU s", bound, value(cpu, operation, size),
            value(cpu, operation, size, "base"),
        )  # fmt: skip

    night_cpu, night_peak = [[value(of, "night", size) for size in (four, images)] for of in (cpu, peak)]
    replanned = value(cpu, "replan", images)
    return [
        against_base("commit, nothing changed", 1 / 20, "commit unchanged", images),
        row(f"plan and commit of 1,000 new images, {four:,} / {images:,}", "CPU s", 1.25, *night_cpu),
        row(f"the same, peak memory, {four:,} / {images:,}", "MB", 1.1, *night_peak),
        row(f"the same, peak memory, {four:,}", "MB", 600, night_peak[0]),
        against_base("planning an unchanged folder again", 1 / 2, "replan", images),
        row(f"the same, {images:,} files", "CPU s", 60 * images / 1_000_000, replanned),
        row(f"status in a process that runs, {four:,} images", "CPU s", 0.3, value(cpu, "status", four)),
        row(f"par status with its start, {four:,} images", "CPU s", 0.3, value(cpu, "par status", four)),
        against_base("verify, quick", 1 / 20, "verify", sizes.base),
        row(
            f"verify --thorough, per person, {images:,} / {quarter:,} images", "CPU s", 1.25,
            value(per_person, "verify-thorough", images), value(per_person, "verify-thorough", quarter),
        ),
        *(
            row(
                f"rebuild, per person, {size:,} images, new / base", "CPU s", 1 / 2,
                value(per_person, "rebuild", size), value(per_person, "rebuild", size, "base"),
            )
            for size in (quarter, images)
        ),
        row(
            f"rebuild, per person, {four:,} / {quarter:,} images", "CPU s", 1.25,
            value(per_person, "rebuild", four), value(per_person, "rebuild", quarter),
        ),
        row(
            f"rebuild, per person, {double:,} / {quarter:,} images", "CPU s", 1.25,
            value(per_person, "rebuild", double), value(per_person, "rebuild", quarter),
        ),
        row(
            f"rebuild, per person, {double:,} / {half:,} images", "CPU s", 1.25,
            value(per_person, "rebuild", double), value(per_person, "rebuild", half),
        ),
        against_base("forget one person", 1 / 50, "forget", images),
    ]  # fmt: skip


def markdown(targets: Sequence[dict[str, Any]]) -> str:
    """Return the targets as a table in Markdown."""
    lines = ["| measure | measured | result | at most | met |", "|---|---|---|---|---|"]
    for row in targets:
        values = " / ".join("-" if value is None else f"{value:.3g}" for value in row["values"])
        result = "-" if row["result"] is None else f"{row['result']:.3g}"
        met = {None: "not measured", True: "yes", False: "no"}[row["met"]]
        lines.append(
            f"| {row['measure']} | {values} {row['unit']} | {result} | {row['at_most']:.3g} | {met} |"
        )
    return "\n".join(lines)
