"""The index run: plan, segment and describe shard by shard, commit, pass the quality gate.

However the work on the shards ends, the shards with a manifest are committed.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from flows.assigned_job import collected, job_of
from flows.commits import Commits
from flows.console.lines import begin_run, say
from flows.console.passed_over import passed_over
from flows.console.progress import show_index_progress
from flows.fan_out import fan_out
from flows.index_report import IndexReport, conclusion, page
from flows.recording import Recorder, recorded
from flows.run_metrics import RunMetrics, require_metrics
from flows.runners import RunnerName, choose_runner, n_workers, open_pool, with_work_for_all
from flows.saved_searches import news_lines
from par_core.archive.entries import Entry
from par_core.config import RunConfig
from par_core.errors import BadConfigError, ParError
from par_core.gate.golden import load_golden
from par_core.models.profiles import describe_models
from par_core.plurals import number_of
from par_core.stages.plan import Plan, plan_index
from par_core.stages.run import Run
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.run_progress import progress_file
from par_core.store_folder import store_folder

__all__ = ["run_index"]


def run_index(
    sources: Sequence[str],
    store_root: Path,
    config: RunConfig,
    *,
    golden: Path | None = None,
    retry_failed: bool = False,
    accept_empty: bool = False,
    is_finished: Callable[[Entry], bool] | None = None,
    quiet: bool = False,
    news: bool = False,
    verbose: bool = False,
    unrecorded: Callable[[IndexReport], None] = lambda _: None,
) -> IndexReport:
    """Make sources searchable, for the command line and for deployments. With golden queries, the commit goes
    through the quality gate.

    If PREFECT_API_URL names a server, the run is recorded there; its parameters are the store and an id of
    the run, never the work. If the server is away at the end and stays away, ``unrecorded`` is called with
    the report.

    ``is_finished`` says which files are whole, see ``plan_index``. With ``quiet`` only errors are printed,
    and with ``news`` also what saved searches tell.

    Raises:
        BadConfigError: A source, setting, model or the golden file is wrong; nothing was done.
        StoreError: Another process is writing to the store.
    """
    started, name = time.monotonic(), begin_run()
    wanted = load_golden(golden) if golden is not None else None
    require_metrics(config.metrics)
    # an absolute path, as workers are started elsewhere
    store = Store.create(store_folder(store_root, writing=True).absolute())
    if store.copy is not None and config.machine.scheduler is not None and store.place.startswith("memory:"):
        raise BadConfigError(f"no worker of a scheduler sees {store.place}: name s3://BUCKET/PREFIX")
    metrics = RunMetrics(store, config.metrics, config.profile, say)
    with ExitStack() as held:
        held.enter_context(store.exclusive())
        held.enter_context(metrics.until_the_end())
        run = Run.of(store, config)
        plan = plan_index(
            run,
            sources,
            workers=n_workers(config.machine),
            retry_failed=retry_failed,
            accept_empty=accept_empty,
            is_finished=is_finished,
        )
        metrics.planned(plan, run.ids)
        runner = choose_runner(config.machine, plan.n_images, interrupted=plan.interrupted)
        # printed even with --quiet: files that this source had before count as vanished now
        for source in plan.empty:
            say(f"par: warning: there are no pictures in {source}", event="source_empty")
        for source in plan.emptied:
            say(
                f"par: warning: {source} held files before, and holds none now: is it mounted? It is left as"
                " it was, and its people stay searchable; --accept-empty takes its files as vanished",
                event="source_emptied",
            )
        if not quiet:
            _introduce(plan, config, runner if plan.shards else "nothing to do")

        def carry_out(recorder: Recorder) -> IndexReport:
            from par_core.stages.commit import commit_store

            known_before = store_status(store).recognised
            commits = Commits(run, publish=wanted is None, say=(lambda _: None) if quiet else _say_commit)
            try:
                failed = (
                    _process(
                        run, plan, runner, name, recorder, commits, metrics, quiet=quiet, verbose=verbose
                    )
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
            store.publish()  # a failure is one of the run
            report = IndexReport(
                plan,
                commit,
                status.accounting,
                status.recognised - known_before,
                failed,
                time.monotonic() - started,
                gate,
            )
            metrics.ended(report.exit_code)
            held.close()  # other commands may write while Prefect is informed
            for line in conclusion(report, store_root):
                recorder.line(line)
                if not quiet:
                    say(f"par: {line}", event="result")
            for line in news_lines(store, config):
                recorder.line(line)
                if news or not quiet or line.startswith("warning"):
                    say(f"par: {line}", event="saved_search")
            recorder.table("par-index", page(report))
            return report

        if not verbose:
            os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
            os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
        return recorded("par-index", store.place, name, carry_out, unrecorded)


def _process(
    run: Run,
    plan: Plan,
    runner: RunnerName,
    name: str,
    recorder: Recorder,
    commits: Commits,
    metrics: RunMetrics,
    *,
    quiet: bool,
    verbose: bool,
) -> Mapping[str, str]:
    """Work on the planned shards; return the reason for each that could not be finished."""

    def tell(line: str) -> None:
        recorder.line(line)
        say(line, event="workers")

    log = None if verbose else run.store.root / "workers.log"
    machine = with_work_for_all(run.config.machine, len(plan.shards))
    with (
        job_of(run, plan.shards, commits.add, metrics.finished) as (job, place),
        open_pool(machine, runner, tell, log, place) as opened,
        progress_file(run.store, job.progress),
        metrics.during(job.progress, opened.workers),
        commits.at_times(),
        show_index_progress(job.progress, recorder.progress if recorder.records else None, quiet=quiet),
    ):
        if run.config.machine.scheduler is not None and not quiet:
            tell(f"par: {opened.nodes()}")
        failed = fan_out(job, collected(opened, job), name=name, say=tell)
    reasons = {shard: _reason(error) for part, error in failed.items() for shard in job.ids(part)}
    commits.add(list(reasons))  # one of them may be segmented
    # a lost worker may have finished its shard before it could say so
    return {shard: reason for shard, reason in reasons.items() if not run.finished(shard)}


def _say_commit(line: str) -> None:
    say(line, event="commit")


def _reason(error: Exception) -> str:
    """The message of an error; errors of other libraries with their type."""
    return str(error) if isinstance(error, ParError) else f"{type(error).__name__}: {error}"


def _introduce(plan: Plan, config: RunConfig, runner: str) -> None:
    n = n_workers(with_work_for_all(config.machine, len(plan.shards)))
    where = config.machine.scheduler or number_of(n, "worker")
    say(f"par: profile {config.profile}: {describe_models(config)}; {runner}, {where}", event="start")
    passed = passed_over(plan.skipped)
    skipped = f"; passed over: {passed}" if passed else ""
    begun = int(plan.shards.sizes[plan.shards.segmented].sum())
    skipped += f"; of these {begun} are segmented and only to be described" if begun else ""
    if plan.expected:
        skipped += f"; {plan.expected} have size and version of known pictures"
    say(
        f"par: {number_of(plan.listed, 'file')} listed: {plan.new} new or changed, {plan.retried} to retry,"
        f" {plan.unchanged} unchanged, {plan.vanished} vanished{skipped}",
        event="plan",
        listed=plan.listed,
        new=plan.new,
        retried=plan.retried,
        unchanged=plan.unchanged,
        vanished=plan.vanished,
    )
