"""The index flow: plan, segment and describe shard by shard, commit."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.progress import say, watch
from flows.showing_gate import gate_lines, gate_object
from flows.streams import children_print_to
from par_core.config import RunConfig
from par_core.gate.golden import load_golden
from par_core.models.profiles import describe_models, fingerprints
from par_core.stages.names import config_ids
from par_core.stages.plan import Plan, plan_index
from par_core.store.layout import Store
from par_core.store.ledger import Conservation, conservation

if TYPE_CHECKING:
    from par_core.gate.run import GateReport
    from par_core.stages.commit import CommitRecord

__all__ = ["IndexReport", "run_index"]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run did.

    Attributes:
        plan: What there was to do.
        commit: The state of the index afterwards.
        conservation: What became of every listed file.
        failed_shards: Shards that could not be finished, with the reason.
        seconds: Of the whole run.
        gate: What the gate found, or None if none was asked for.
    """

    plan: Plan
    commit: "CommitRecord"
    conservation: Conservation
    failed_shards: Mapping[str, str]
    seconds: float
    gate: "GateReport | None" = None

    @property
    def exit_code(self) -> int:
        """0 done, 1 done with failed items or a gate not passed, 3 shards could not be finished."""
        not_passed = self.gate is not None and not self.gate.passed
        return 3 if self.failed_shards else 1 if self.conservation.failed or not_passed else 0

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        return {
            "exit_code": self.exit_code,
            "equation": str(self.conservation),
            "files": asdict(self.conservation),
            "commit": asdict(self.commit),
            "planned": {
                "listed": self.plan.listed,
                "new": self.plan.new,
                "retried": self.plan.retried,
                "unchanged": self.plan.unchanged,
                "vanished": self.plan.vanished,
            },
            "skipped": dict(self.plan.skipped),
            "empty": list(self.plan.empty),
            "failed_shards": dict(self.failed_shards),
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
    quiet: bool = False,
    verbose: bool = False,
) -> IndexReport:
    """Make sources searchable: the same for the command line and for deployments. With golden questions, gate what was committed.

    Raises:
        BadConfigError: A source, setting, model or the golden file is wrong; nothing was done.
        StoreError: Another process is writing to the store.
    """
    from flows.runners import choose_runner, n_workers  # Prefect is imported only when there is work

    started = time.monotonic()
    wanted = load_golden(golden) if golden is not None else None
    store = Store.create(store_root)
    with store.exclusive():
        plan = plan_index(store, sources, config, workers=n_workers(config.machine), retry_failed=retry_failed)
        runner = choose_runner(config.machine, plan.n_images)
        for source in plan.empty:  # said also to whoever wants errors only: what was there before counts as vanished now
            say(f"par: warning: there are no pictures in {source}")
        if not quiet:
            _introduce(plan, config, runner if plan.shards else "nothing to do")
        failed = _process(store, plan, config, quiet=quiet, verbose=verbose) if plan.shards else {}
        from par_core.stages.commit import commit_store

        commit = commit_store(store, config)
        counted = conservation(store, commit.segment_config)
        gate = None
        if wanted is not None:
            from par_core.gate.run import run_gate

            gate = run_gate(store, wanted, config)
    report = IndexReport(plan, commit, counted, failed, time.monotonic() - started, gate)
    if not quiet:
        _conclude(report, store_root)
    return report


def _process(store: Store, plan: Plan, config: RunConfig, *, quiet: bool, verbose: bool) -> Mapping[str, str]:
    from flows.server import api_server

    with ExitStack() as stack:
        if not verbose:
            os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
            os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
        ready = stack.enter_context(api_server(store.root / "prefect-server.log"))
        import par_core.stages.commit  # noqa: F401 - with LanceDB it takes a second, which costs nothing while the server starts
        from flows.runners import choose_runner, make_runner
        from flows.shards import process_shards

        ready()
        runner = choose_runner(config.machine, plan.n_images)
        if runner == "dask" and config.machine.scheduler is None and not verbose:
            stack.enter_context(children_print_to(store.root / "workers.log"))
        stack.enter_context(watch(store, config_ids(config, fingerprints(config)), plan.shards, quiet=quiet))
        flow = process_shards.with_options(task_runner=make_runner(config.machine, runner))
        return flow(str(store.root), [asdict(shard) for shard in plan.shards], config.model_dump(mode="json"))


def _introduce(plan: Plan, config: RunConfig, runner: str) -> None:
    from flows.runners import n_workers

    where = config.machine.scheduler or f"{n_workers(config.machine)} workers"
    say(f"par: profile {config.profile}: {describe_models(config)}; {runner}, {where}")
    passed = ", ".join(f"{count} {reason}" for reason, count in sorted(plan.skipped.items()))
    skipped = f"; passed over: {passed}" if passed else ""
    say(f"par: {plan.listed} files listed: {plan.new} new or changed, {plan.retried} to retry, {plan.unchanged} unchanged, {plan.vanished} vanished{skipped}")


def _conclude(report: IndexReport, store: Path) -> None:
    for shard, reason in list(report.failed_shards.items())[:5]:
        say(f"par: shard {shard} failed: {reason}")
    if report.conservation.failures:
        kinds = ", ".join(f"{count} {status}" for status, count in sorted(report.conservation.failures.items()))
        say(f"par: failed files: {kinds}; see them with: par status --store {store} --failed; the same command with --retry-failed tries them again")
    rate = f", {report.plan.n_images / report.seconds:.1f} images/s" if report.plan.n_images else ""
    say(f"par: {report.conservation}; {report.commit.rows} people in the index; {report.seconds:.1f} s{rate}")
    for line in gate_lines(report.gate) if report.gate else ():
        say(f"par: {line}")
