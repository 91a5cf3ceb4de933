"""The index run: plan, segment and describe shard by shard, commit, pass the quality gate.

However the work on the shards ends, the shards with a manifest are committed.
"""

import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.commits import Commits
from flows.console.gate import gate_lines, gate_markdown, gate_object, in_markdown
from flows.console.passed_over import passed_over
from flows.console.progress import say, show_index_progress
from flows.fan_out import fan_out
from flows.recording import Recorder, recorded
from flows.runners import RunnerName, choose_runner, n_workers, open_pool, with_work_for_all
from flows.shard_job import ShardJob
from par_core.config import RunConfig
from par_core.errors import BadConfigError, ParError
from par_core.gate.golden import load_golden
from par_core.models.profiles import describe_models
from par_core.stages.plan import Plan, plan_index
from par_core.stages.run import Run
from par_core.stages.status import store_status
from par_core.store.accounting import Accounting
from par_core.store.layout import Store
from par_core.store.run_progress import progress_file

if TYPE_CHECKING:
    from par_core.gate.report import GateReport
    from par_core.store.commits import CommitRecord

__all__ = ["IndexReport", "run_index"]

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
        unfinished = f"{len(self.failed_shards)} shards could not be finished; " if self.failed_shards else ""
        return f"{unfinished}{self.sentence}"

    @property
    def sentence(self) -> str:
        """The accounting of files and people, the number of people in the index, and that of the files which
        were recognised, in one sentence.
        """
        counted = self.accounting
        known = f"; {self.recognised} recognised by content" if self.recognised else ""
        return f"{counted}; {counted.people_sentence}; {self.commit.rows} people in the index{known}"

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


def run_index(
    sources: Sequence[str],
    store_root: Path,
    config: RunConfig,
    *,
    golden: Path | None = None,
    retry_failed: bool = False,
    accept_empty: bool = False,
    quiet: bool = False,
    verbose: bool = False,
    unrecorded: Callable[[IndexReport], None] = lambda _: None,
) -> IndexReport:
    """Make sources searchable, for the command line and for deployments. With golden queries, the commit goes
    through the quality gate.

    If PREFECT_API_URL names a server, the run is recorded there; its parameters are the store and an id of
    the run, never the work. If the server is away at the end and stays away, ``unrecorded`` is called with
    the report.

    Raises:
        BadConfigError: A source, setting, model or the golden file is wrong; nothing was done.
        StoreError: Another process is writing to the store.
    """
    started = time.monotonic()
    wanted = load_golden(golden) if golden is not None else None
    store = Store.create(Store(store_root).root.absolute())  # workers are started elsewhere
    with ExitStack() as held:
        held.enter_context(store.exclusive())
        run = Run.of(store, config)
        plan = plan_index(
            run,
            sources,
            workers=n_workers(config.machine),
            retry_failed=retry_failed,
            accept_empty=accept_empty,
        )
        runner = choose_runner(config.machine, plan.n_images, interrupted=plan.interrupted)
        # printed even with --quiet: files that this source had before count as vanished now
        for source in plan.empty:
            say(f"par: warning: there are no pictures in {source}")
        for source in plan.emptied:
            say(
                f"par: warning: {source} held files before, and holds none now: is it mounted? It is left as"
                " it was, and its people stay searchable; --accept-empty takes its files as vanished"
            )
        if not quiet:
            _introduce(plan, config, runner if plan.shards else "nothing to do")
        name = secrets.token_hex(4)

        def carry_out(recorder: Recorder) -> IndexReport:
            from par_core.stages.commit import commit_store

            known_before = store_status(store).recognised
            commits = Commits(run, publish=wanted is None, say=(lambda _: None) if quiet else say)
            try:
                failed = (
                    _process(run, plan, runner, name, recorder, commits, quiet=quiet, verbose=verbose)
                    if plan.shards
                    else {}
                )
            except BadConfigError:
                raise
            except BaseException:  # such as SIGTERM of a supervisor, or a run that is cancelled in Prefect
                commit_store(run, publish=wanted is None)
                raise
            commit = commit_store(run, commits.take(), publish=wanted is None)
            status = store_status(store)
            gate = None
            if wanted is not None:
                from par_core.gate.publish import run_gate

                gate = run_gate(store, wanted, config)
            held.close()  # other commands may write while Prefect is informed
            report = IndexReport(
                plan,
                commit,
                status.accounting,
                status.recognised - known_before,
                failed,
                time.monotonic() - started,
                gate,
            )
            for line in _conclusion(report, store_root):
                recorder.line(line)
                if not quiet:
                    say(f"par: {line}")
            recorder.table("par-index", _page(report))
            return report

        if not verbose:
            os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
            os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
        return recorded("par-index", str(store.root), name, carry_out, unrecorded)


def _process(
    run: Run,
    plan: Plan,
    runner: RunnerName,
    name: str,
    recorder: Recorder,
    commits: Commits,
    *,
    quiet: bool,
    verbose: bool,
) -> Mapping[str, str]:
    """Work on the planned shards; return the reason for each that could not be finished."""
    job = ShardJob(run, plan.shards, commits.add)

    def tell(line: str) -> None:
        recorder.line(line)
        say(line)

    log = None if verbose else run.store.root / "workers.log"
    with (
        open_pool(with_work_for_all(run.config.machine, len(plan.shards)), runner, tell, log) as pool,
        progress_file(run.store, job.progress),
        commits.at_times(),
        show_index_progress(job.progress, recorder.progress if recorder.records else None, quiet=quiet),
    ):
        failed = fan_out(job, pool, name=name, say=tell)
    reasons = {shard: _reason(error) for part, error in failed.items() for shard in job.ids(part)}
    commits.add(list(reasons))  # one of them may be segmented
    # a lost worker may have finished its shard before it could say so
    return {shard: reason for shard, reason in reasons.items() if not run.finished(shard)}


def _reason(error: Exception) -> str:
    """The message of an error; errors of other libraries with their type."""
    return str(error) if isinstance(error, ParError) else f"{type(error).__name__}: {error}"


def _introduce(plan: Plan, config: RunConfig, runner: str) -> None:
    n = n_workers(with_work_for_all(config.machine, len(plan.shards)))
    where = config.machine.scheduler or f"{n} worker{'s' if n > 1 else ''}"
    say(f"par: profile {config.profile}: {describe_models(config)}; {runner}, {where}")
    passed = passed_over(plan.skipped)
    skipped = f"; passed over: {passed}" if passed else ""
    begun = int(plan.shards.sizes[plan.shards.segmented].sum())
    skipped += f"; of these {begun} are segmented and only to be described" if begun else ""
    if plan.expected:
        skipped += f"; {plan.expected} have size and version of known pictures"
    say(
        f"par: {plan.listed} files listed: {plan.new} new or changed, {plan.retried} to retry,"
        f" {plan.unchanged} unchanged, {plan.vanished} vanished{skipped}"
    )


def _conclusion(report: IndexReport, store: Path) -> list[str]:
    lines = []
    for reason, shards in report.reasons.items():
        named = ", ".join([*shards[:_SHARDS_NAMED], *(["..."] if len(shards) > _SHARDS_NAMED else [])])
        lines.append(f"{len(shards)} shards could not be finished ({named}): {reason}")
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


def _page(report: IndexReport) -> str:
    failures = "".join(
        f"\n- {count} {status}" for status, count in sorted(report.accounting.failures.items())
    )
    unfinished = "".join(
        f"\n- {len(shards)} shards not finished: {in_markdown(reason)}"
        for reason, shards in report.reasons.items()
    )
    if report.accounting.unreadable_times:
        failures += f"\n- {report.accounting.times_sentence}"
    gate = gate_markdown(report.gate) if report.gate else ""
    return f"{report.sentence}.\n{failures}{unfinished}\n\n{gate}"
