"""The result of an index run, and how it is put into lines and pages."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.console.gate import gate_lines, gate_markdown, gate_object, in_markdown
from par_core.plurals import number_of
from par_core.stages.plan import Plan
from par_core.store.accounting import Accounting

if TYPE_CHECKING:
    from par_core.gate.report import GateReport
    from par_core.store.commits import CommitRecord

__all__ = ["IndexReport", "conclusion", "page"]

_SHARDS_NAMED: Final = 3  # of those that could not be finished for one reason


@dataclass(frozen=True, slots=True)
class IndexReport:
    """Result of an index run.

    Attributes:
        plan: Plan that the run worked on.
        commit: State of the index after the run.
        accounting: Counts of all listed files by outcome.
        recognised: Number of files of this run whose bytes were known: no model saw them.
        failed_shards: Reason of each shard that could not be finished. The next run tries them again.
        seconds: Duration of the whole run.
        gate: Report of the quality gate, or None if the run had no golden queries.
    """

    plan: Plan
    commit: "CommitRecord"
    accounting: Accounting
    recognised: int
    failed_shards: Mapping[str, str]
    seconds: float
    gate: "GateReport | None" = None

    def __str__(self) -> str:
        unfinished = (
            f"{number_of(len(self.failed_shards), 'shard')} could not be finished; "
            if self.failed_shards
            else ""
        )
        return f"{unfinished}{self.sentence}"

    @property
    def sentence(self) -> str:
        """The accounting of files and people, the number of people in the index, and that of the files which
        were recognised, in one sentence.
        """
        counted = self.accounting
        known = f"; {self.recognised} recognised by content" if self.recognised else ""
        indexed = f"{number_of(self.commit.rows, 'person')} in the index"
        return f"{counted}; {counted.people_sentence}; {indexed}{known}"

    @property
    def exit_code(self) -> int:
        """0 done; 1 with failed items, an emptied source or a gate not passed; 3 shards are unfinished."""
        not_passed = self.gate is not None and not self.gate.passed
        failed = self.accounting.failed or self.accounting.people_failed
        return 3 if self.failed_shards else 1 if failed or not_passed or self.plan.emptied else 0

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Shards that could not be finished, by reason."""
        shards: dict[str, list[str]] = {}
        for shard, reason in self.failed_shards.items():
            shards.setdefault(reason, []).append(shard)
        return shards

    def as_json(self) -> dict[str, Any]:
        """Return the whole report as JSON types."""
        return {
            "exit_code": self.exit_code,
            "equation": str(self.accounting),
            "files": asdict(self.accounting),
            "people_equation": self.accounting.people_sentence,
            "commit": asdict(self.commit),
            "planned": {
                "listed": self.plan.listed,
                "new": self.plan.new,
                "retried": self.plan.retried,
                "expected": self.plan.expected,
                "unchanged": self.plan.unchanged,
                "vanished": self.plan.vanished,
            },
            "recognised": self.recognised,
            "skipped": dict(self.plan.skipped),
            "empty": list(self.plan.empty),
            "emptied": list(self.plan.emptied),
            "failed_shards": [
                {"reason": reason, "shards": len(shards), "first": shards[:_SHARDS_NAMED]}
                for reason, shards in self.reasons.items()
            ],
            "seconds": round(self.seconds, 3),
            "gate": gate_object(self.gate) if self.gate else None,
        }


def conclusion(report: IndexReport, store: Path) -> list[str]:
    """Return the last lines of a run."""
    lines = []
    for reason, shards in report.reasons.items():
        named = ", ".join([*shards[:_SHARDS_NAMED], *(["..."] if len(shards) > _SHARDS_NAMED else [])])
        lines.append(f"{number_of(len(shards), 'shard')} could not be finished ({named}): {reason}")
    if report.failed_shards:
        lines.append("the finished shards are committed; run the same command again to continue")
    if report.accounting.failures:
        kinds = ", ".join(f"{count} {status}" for status, count in sorted(report.accounting.failures.items()))
        lines.append(
            f"failed files: {kinds}; see them with: par status --store {store} --failed; the same command"
            " with --retry-failed tries them again"
        )
    if report.accounting.person_failures:
        kinds = ", ".join(
            f"{count} {status}" for status, count in sorted(report.accounting.person_failures.items())
        )
        lines.append(f"people who could not be described: {kinds}; --retry-failed tries them again")
    if report.accounting.unreadable_times:
        lines.append(report.accounting.times_sentence)
    rate = f", {report.plan.n_images / report.seconds:.1f} images/s" if report.plan.n_images else ""
    lines.append(f"{report.sentence}; {report.seconds:.1f} s{rate}")
    return lines + (list(gate_lines(report.gate)) if report.gate else [])


def page(report: IndexReport) -> str:
    """Return the page of a run in Markdown."""
    failures = "".join(
        f"\n- {count} {status}" for status, count in sorted(report.accounting.failures.items())
    )
    unfinished = "".join(
        f"\n- {number_of(len(shards), 'shard')} not finished: {in_markdown(reason)}"
        for reason, shards in report.reasons.items()
    )
    if report.accounting.unreadable_times:
        failures += f"\n- {report.accounting.times_sentence}"
    gate = gate_markdown(report.gate) if report.gate else ""
    return f"{report.sentence}.\n{failures}{unfinished}\n\n{gate}"
