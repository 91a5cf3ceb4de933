"""What the slopes of ``benchmarks/scale.py`` give for larger archives: hours, memory, bytes, money.

    python benchmarks/scale_model.py                          # prints the tables
    python benchmarks/scale_model.py --write docs/scale.md    # puts them into the page

Every cost is a straight line through the two largest sizes that were measured, so that what grows faster than
the archive shows at least in part. Prices and limits are options. Nothing here was measured at the sizes that
it speaks of.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import median
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))
from scale_targets import markdown, select

__all__ = ["Assumptions", "Line", "lines_of", "tables"]

RESULTS: Final = Path(__file__).resolve().parent / "results"
FILES_A_SHARD: Final = 5
SHARD: Final = 256
DISCOUNTED: Final = ("models",)  # part of a measurement that is not PAR's own cost
OPERATIONS: Final = {
    "rebuild": "the first commit, or a rebuild",
    "migration": "first use of a store of 0.1",
    "night": "a night with 1,000 new images (plan, commit)",
    "replan": "planning a folder again, all of it listed",
    "commit unchanged": "a commit when nothing changed",
    "status": "status",
    "verify": "verify",
    "verify-thorough": "verify --thorough",
    "forget": "forgetting one person",
}


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Prices and limits; options of the command.

    Attributes:
        eur_per_vcpu_hour: Price of a core for an hour, rented on demand.
        eur_per_disk_gb_month: Price of block storage, which holds the store.
        eur_per_object_gb_month: Price of object storage, which holds the pictures.
        eur_per_million_gets: Price of a million reads from object storage.
        image_mb: Size of a picture in MB.
        models_cpu_s: CPU seconds of the whole work on an image with the models of ``compact``, as
            ``bench.py`` has measured it.
        vcpus: Cores of the workers.
        memory_gb: Memory of the machine that plans and commits.
        night_hours: Longest time for a plan and commit, and for a status in 1/1,000 of it.
        maintenance_hours: Longest time for a rebuild, a thorough verification and an erasure.
    """

    eur_per_vcpu_hour: float = 0.04
    eur_per_disk_gb_month: float = 0.08
    eur_per_object_gb_month: float = 0.023
    eur_per_million_gets: float = 0.40
    image_mb: float = 1.0
    models_cpu_s: float = field(default_factory=lambda: _measured_models())
    vcpus: float = 64
    memory_gb: float = 64
    night_hours: float = 8
    maintenance_hours: float = 168

    def limit_hours(self, operation: str) -> float:
        """Return the longest time that an operation may take."""
        if operation in ("rebuild", "verify-thorough", "forget"):
            return self.maintenance_hours
        return self.night_hours / 1_000 if operation == "status" else self.night_hours


@dataclass(frozen=True, slots=True)
class Line:
    """A cost that grows with the images of a store.

    Attributes:
        images: Largest size that was measured.
        value: Cost there.
        slope: Cost of one more image.
    """

    images: int
    value: float
    slope: float

    def at(self, images: float) -> float:
        """Return the cost of a store of so many images."""
        return self.value + self.slope * (images - self.images)

    def reaches(self, limit: float) -> float:
        """Return the images at which the cost reaches a limit; infinity where it does not grow."""
        if self.value >= limit:
            return float(self.images)
        return self.images + (limit - self.value) / self.slope if self.slope > 0 else float("inf")


def lines_of(records: Sequence[dict[str, Any]], operation: str) -> dict[str, Line] | None:
    """Return the lines of an operation of the new build: ``cpu_s``, ``read_bytes``, ``written_bytes`` without
    start-up and models, and ``peak_mb`` of the process; None where fewer than two sizes were measured.
    """
    sizes = sorted({record["images"] for record in records if record["build"] == "new"})
    chosen = {size: select(records, "new", operation, size) for size in sizes}
    points = [(size, _costs(measured)) for size, measured in chosen.items() if measured]
    if len(points) < 2:
        return None
    (before, low), (last, high) = points[-2:]
    return {key: Line(last, high[key], max(0.0, (high[key] - low[key]) / (last - before))) for key in high}


def _costs(measured: Sequence[dict[str, Any]]) -> dict[str, float]:
    def total(record: dict[str, Any], key: str) -> float:
        return sum(cost[key] for part, cost in record["costs"].items() if part not in DISCOUNTED)

    keys = ("cpu_s", "read_bytes", "written_bytes")
    costs = {key: median(total(record, key) for record in measured) for key in keys}
    return costs | {"peak_mb": median(record["peak_mb"] for record in measured)}


def tables(
    results: dict[str, Any], assumed: Assumptions, sizes: Sequence[int], later: dict[str, Any] | None = None
) -> dict[str, str]:
    """Return the tables of the page in Markdown by name.

    Args:
        results: What ``scale.py`` wrote.
        assumed: Prices and limits.
        sizes: Numbers of images to speak of.
        later: What ``scale.py --only`` wrote: these operations are shown as measured then.
    """
    if later is not None:
        results = _with_later(results, later)
    records = results["measurements"]
    lines = {name: line for name in OPERATIONS if (line := lines_of(records, name)) is not None}
    return {
        "machine": _machine(results) + ("" if later is None else f"\n\n{_of_later(later)}"),
        "targets": markdown(results["targets"]),
        "slopes": _slopes(lines),
        "operations": _operations(lines, assumed, sizes),
        "money": _money(results, assumed, sizes),
        "limits": _limits(lines, assumed),
        "assumptions": _table(
            ["option", "value"],
            [[f"`--{name.replace('_', '-')}`", f"{value:g}"] for name, value in asdict(assumed).items()],
        ),
    }


def _machine(results: dict[str, Any]) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{name} {results['versions'][name]}" for name in ("python", "lancedb", "pyarrow"))
    return (
        f"Measured on {results['date'][:10]}: commit {results['commit']} against {results['base']},"
        f" {machine['processor']}, {machine['cores']} cores, load before {machine['load_before']:.1f};"
        f" {versions}; seed {results['seed']}; `{results['command']}`."
    )


def _with_later(results: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    made = {(record["build"], record["operation"]) for record in later["measurements"]}
    earlier = [
        record for record in results["measurements"] if (record["build"], record["operation"]) not in made
    ]
    rows = {row["measure"]: row for row in later["targets"] if row["met"] is not None}
    return results | {
        "measurements": earlier + later["measurements"],
        "targets": [rows.get(row["measure"], row) for row in results["targets"]],
    }


def _of_later(later: dict[str, Any]) -> str:
    rows = "; ".join(row["measure"] for row in later["targets"] if row["met"] is not None)
    return f"Again, for some rows ({rows}). {_machine(later)}"


def _slopes(lines: dict[str, dict[str, Line]]) -> str:
    rows = [
        [
            OPERATIONS[name], f"{line['cpu_s'].images:,}", f"{line['cpu_s'].value:.2f}",
            f"{line['cpu_s'].slope * 1e6:.2f}", f"{line['peak_mb'].value:.0f}",
            f"{line['peak_mb'].slope * 1e6:.0f}",
            f"{(line['read_bytes'].slope + line['written_bytes'].slope):.0f}",
        ]
        for name, line in lines.items()
    ]  # fmt: skip
    head = ["operation", "images", "CPU s there", "CPU µs an image more", "peak MB there"]
    return _table([*head, "bytes of memory an image more", "bytes moved an image more"], rows)


def _operations(lines: dict[str, dict[str, Line]], assumed: Assumptions, sizes: Sequence[int]) -> str:
    rows = []
    for name, line in lines.items():
        row = [OPERATIONS[name]]
        for size in sizes:
            seconds = line["cpu_s"].at(size)
            moved = line["read_bytes"].at(size) + line["written_bytes"].at(size)
            row += [
                _duration(seconds),
                f"{line['peak_mb'].at(size) / 1e3:.1f}",
                f"{moved / 1e9:,.1f}",
                f"{seconds / 3_600 * assumed.eur_per_vcpu_hour:,.2f}",
            ]
        rows.append(row)
    columns = ("CPU time", "peak GB", "GB moved", "EUR")
    return _table(["operation", *(f"{_count(size)}: {name}" for size in sizes for name in columns)], rows)


def _money(results: dict[str, Any], assumed: Assumptions, sizes: Sequence[int]) -> str:
    n = results["images"]
    derived = {"index": ("index.lance",), "Parquet": ("segment", "describe", "listings")}
    known = {name for names in derived.values() for name in names}
    derived["ledger and the rest"] = tuple(name for name in results["store_bytes"] if name not in known)
    hours = [size * assumed.models_cpu_s / 3_600 for size in sizes]
    on_all = [_duration(time * 3_600 / assumed.vcpus) for time in hours]
    kept = assumed.image_mb / 1e3 * assumed.eur_per_object_gb_month
    rows = [
        ["models on all pictures, CPU hours", *(f"{time:,.0f}" for time in hours)],
        [f"the same on {assumed.vcpus:.0f} cores", *on_all],
        ["the same, EUR", *(f"{time * assumed.eur_per_vcpu_hour:,.0f}" for time in hours)],
        ["pictures read once, TB", *(f"{size * assumed.image_mb / 1e6:,.0f}" for size in sizes)],
        ["GETs for them, EUR", *(f"{size / 1e6 * assumed.eur_per_million_gets:,.0f}" for size in sizes)],
        ["pictures kept, EUR a month", *(f"{size * kept:,.0f}" for size in sizes)],
    ]
    total = [0.0] * len(sizes)
    for name, tops in derived.items():
        an_image = sum(results["store_bytes"].get(top, 0) for top in tops) / n
        rows.append([f"{name}, GB", *(f"{size * an_image / 1e9:,.0f}" for size in sizes)])
        total = [before + size * an_image / 1e9 for before, size in zip(total, sizes, strict=True)]
    rows.append(["store, EUR a month", *(f"{size * assumed.eur_per_disk_gb_month:,.0f}" for size in total)])
    rows.append(["files of shards", *(_count(size / SHARD * FILES_A_SHARD) for size in sizes)])
    return _table(["", *(f"{_count(size)} images" for size in sizes)], rows)


def _limits(lines: dict[str, dict[str, Line]], assumed: Assumptions) -> str:
    reached = []
    for name, line in lines.items():
        memory, hours = assumed.memory_gb, assumed.limit_hours(name)
        reached.append((line["peak_mb"].reaches(memory * 1e3), OPERATIONS[name], f"{memory:.0f} GB"))
        reached.append((line["cpu_s"].reaches(hours * 3_600), OPERATIONS[name], _duration(hours * 3_600)))
    rows = [
        [what, limit, "never" if images == float("inf") else _count(images)]
        for images, what, limit in sorted(reached)
    ]
    return _table(["operation", "limit", "images at which it is reached"], rows[:8])


def _measured_models() -> float:
    measured = json.loads((RESULTS / "compact.json").read_text())
    seconds: float = median(measured["par_s"]) * measured["machine"]["cores"] / measured["images"]
    return round(seconds, 3)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def _count(number: float) -> str:
    for unit, size in (("bn", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Print the tables, or replace those between the markers of a page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=RESULTS / "scale.json")
    parser.add_argument(
        "--later", type=Path, help="result of a later run of some operations (scale.py --only)"
    )
    parser.add_argument("--write", type=Path, help="page with markers <!-- NAME --> and <!-- end of NAME -->")
    for name, value in asdict(Assumptions()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=value)
    options = vars(parser.parse_args())
    assumed = Assumptions(**{each.name: options[each.name] for each in fields(Assumptions)})
    results, later = [
        None if options[name] is None else json.loads(options[name].read_text())
        for name in ("results", "later")
    ]
    made = tables(results, assumed, (100_000_000, 1_000_000_000), later)
    if options["write"] is None:
        print(*(f"{name}:\n\n{table}\n" for name, table in made.items()), sep="\n")
        return
    page = options["write"].read_text()
    for name, table in made.items():
        before, start, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not start or not end:
            raise SystemExit(f"{options['write']} has no place for the table {name}")
        page = f"{before}{start}{table}\n{end}{after}"
    options["write"].write_text(page)


if __name__ == "__main__":
    main()
