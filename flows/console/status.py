"""The content of a store as plain lines. Imports nothing heavy: ``par status`` is asked often."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from flows.console.gate import gate_lines, gate_object
from flows.console.passed_over import passed_over
from par_core.gate.report import GateReport
from par_core.plurals import number_of
from par_core.store.run_progress import RunProgress
from par_core.store.status_file import StatusReport
from par_core.store.vector_index import IndexState

__all__ = ["status_lines", "status_object"]


def status_lines(
    report: StatusReport, gate: GateReport | None, progress: RunProgress | None = None
) -> Iterator[str]:
    """Yield lines on a store: the run that is under way, its content, the version that searches read, and the
    last quality gate.
    """
    counted = report.accounting
    if progress is not None:
        yield f"a run is under way: {progress.sentence}; below is what is committed"
    yield str(counted)
    yield f"{counted.people_sentence}; {report.rows} in the index"
    if report.rows:
        yield f"vectors: {_vectors(report.vector_index)}"
    if report.unindexed_rows:
        rows = number_of(report.unindexed_rows, "row")
        yield f"not covered by an index yet: {rows}; found all the same, only slower"
    yield f"vanished since: {number_of(counted.vanished, 'file')} known from before"
    if counted.failures:
        yield "failed: " + ", ".join(
            f"{count} {status}" for status, count in sorted(counted.failures.items())
        )
    if counted.person_failures:
        yield "people who could not be described: " + ", ".join(
            f"{count} {status}" for status, count in sorted(counted.person_failures.items())
        )
    if counted.unreadable_times:
        yield f"{counted.times_sentence} (images.parquet names the images in its column message)"
    if report.skipped:
        yield f"passed over: {passed_over(report.skipped)}"
    if report.commit is None:
        yield "nothing was committed yet; run par index"
    else:
        commit = report.commit
        yield (
            f"commit {commit.number}: index version {commit.version}, profile {commit.profile}, embedding"
            f" {commit.embedding or '-'}"
        )
        yield f"shards: {report.shards_segmented} segmented, {report.shards_described} described"
    if report.version is not None:
        live = (
            "none yet"
            if report.live_version is None
            else f"version {report.live_version}, which searches read"
        )
        yield f"live: {live}; newest: version {report.version}"
    if gate is not None:
        yield f"last gate, {gate.checked_at}:"
        yield from (f"  {line}" for line in gate_lines(gate))


def _vectors(index: IndexState | None) -> str:
    if index is None:
        return "no index, as so few rows need none: every one is compared"
    parts = (
        "made by an earlier version of PAR" if index.partitions is None else f"{index.partitions} partitions"
    )
    return (
        f"{index.kind} index, {parts}, of {index.rows} rows; {index.rows_not_yet} rows came later and are"
        " compared one by one"
    )


def status_object(
    report: StatusReport, gate: GateReport | None, progress: RunProgress | None = None
) -> dict[str, Any]:
    """Return the content of a store as JSON types."""
    return asdict(report) | {
        "equation": str(report.accounting),
        "people_equation": report.accounting.people_sentence,
        "holds": report.accounting.holds,
        "gate": gate_object(gate) if gate else None,
        "run": asdict(progress) if progress else None,
    }
