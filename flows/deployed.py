"""Flows for deployments: the same work as the command line, with parameters of JSON types. See
``deployments/prefect.yaml``.
"""

import json
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.states import Completed

from flows.console.datasets import as_split
from flows.console.evaluation import artifact_of
from flows.console.gate import gate_lines, gate_markdown, gate_object
from flows.index import run_index
from flows.index_report import IndexReport
from flows.predictions import prediction_runner
from flows.recording import WITH_FAILURES
from flows.saved_searches import news_lines
from flows.training import plan_jobs
from flows.training import train as run_training
from par_core.access import Access, Caller, question_text
from par_core.atomic import write_atomic
from par_core.config import MachineConfig, load_config
from par_core.errors import BadConfigError, StoreError
from par_core.gate.golden import load_golden
from par_core.gate.publish import run_gate
from par_core.gate.report import GateReport
from par_core.object_store.slashes import refuse_without_slashes
from par_core.query.from_store import Question, ask, save_gallery
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store_folder import store_folder
from par_core.studies.evaluation import EvaluationRequest
from par_core.studies.several import evaluate_all

__all__ = ["check", "evaluate", "index", "query", "train"]


@flow(name="par-index", persist_result=False)
def index(
    sources: list[str],
    store: str,
    settings: dict[str, Any] | None = None,
    retry_failed: bool = False,
    golden: str | None = None,
    accept_empty: bool = False,
) -> dict[str, Any] | State[dict[str, Any]]:
    """Make archives searchable, as ``par index`` does; fails if a shard could not be finished or the result
    did not pass the quality gate.

    A run with failed files (exit code 1 of the command) ends in the state ``Completed with failures``. A run
    without a new or changed file emits the event ``par.index.nothing-new``
    (``deployments/notifications.yaml``).

    Args:
        sources: Folders, archives, lists of paths, URLs.
        store: Folder of the store.
        settings: Keys of the configuration, such as ``{"profile": "clip", "machine": {"workers": 8}}``.
        retry_failed: Whether files that failed before are tried again.
        golden: YAML file of golden queries; searches read the new version only if it passes them.
        accept_empty: Whether the files of a source that holds none any more count as vanished.
    """
    _require_absolute(store, golden, *(source for source in sources if "://" not in source))
    wanted = Path(golden) if golden is not None else None
    config = load_config(**(settings or {}))
    _require_absolute(str(config.metrics.file) if config.metrics.file else None)
    report = run_index(
        sources,
        Path(store),
        config,
        golden=wanted,
        retry_failed=retry_failed,
        accept_empty=accept_empty,
        verbose=True,
    )
    if not report.plan.n_images:
        _tell_of_nothing_new(report, store)
    if report.failed_shards:
        raise StoreError(str(report))
    if report.gate is not None:
        _require_passed(report.gate)
    if report.exit_code:
        return Completed(name=WITH_FAILURES, message=str(report), data=report.as_json())
    return report.as_json()


@flow(name="par-query", persist_result=False)
def query(
    store: str,
    text: str | None = None,
    where: str | None = None,
    top: int = 20,
    json_file: str | None = None,
    html_file: str | None = None,
    settings: dict[str, Any] | None = None,
    version: str = "live",
    weak: bool = False,
) -> int:
    """Search a store on a schedule, in the language of ``par search``, write the hits into files, and return
    their number.
    """
    _require_absolute(store, json_file, html_file)
    config = load_config(**(settings or {}))
    access = Access.open(Path(store), config.access.audit_days)
    with access.recording(Caller.local(), "search", question_text(text, None, where), how="flow") as event:
        result, opened = ask(
            Path(store), Question(text=text, where=where, top=top, weak=weak), config, version
        )
        event.count = len(result.hits)
    if json_file is not None:
        write_atomic(
            Path(json_file), json.dumps(result.as_json(), indent=2, ensure_ascii=False, default=str).encode()
        )
    if html_file is not None:
        save_gallery(Path(html_file), result, Path(store), opened, config, "flow par-query")
    return len(result.hits)


@flow(name="par-train", persist_result=False)
def train(
    settings: dict[str, Any],
    out: str,
    seeds: list[int] | None = None,
    folds: int | None = None,
    processes: int = 1,
) -> dict[str, Any]:
    """Train a model, as ``par train`` does; continues a stopped run of the same settings.

    Args:
        settings: Keys of a TrainingJob, such as ``{"what": "attributes", "dataset": "pa100k", "root":
            "/srv/data/PA-100K"}``.
        out: Folder of the results.
        seeds: Seeds of the runs, one run each.
        folds: Number of folds, instead of several seeds.
        processes: Number of processes that train each run together.
    """
    _require_absolute(out, settings.get("root"))
    jobs = plan_jobs(settings, Path(out), seeds or [0], folds)
    summary = run_training(jobs, Path(out), MachineConfig(), n_processes=processes, quiet=True, verbose=True)
    rows = [
        f"| {name} | {value:.4f} | {summary['std'][name]:.4f} |" for name, value in summary["mean"].items()
    ]
    create_markdown_artifact(
        "\n".join([f"{len(jobs)} runs in {out}", "", "| score | mean | std |", "|---|---|---|", *rows]),
        key="par-train",
    )
    return summary


@flow(name="par-evaluate", persist_result=False)
def evaluate(
    kind: str,
    dataset: str,
    root: str,
    out: str,
    split: str = "0",
    part: str | None = None,
    settings: dict[str, Any] | None = None,
    weights_dirs: list[str] | None = None,
) -> dict[str, Any]:
    """Score the models, as ``par evaluate`` does; continues a stopped run of the same settings. Creates a
    table and a link to the report in Prefect.

    Args:
        kind: ``segmentation``, ``attributes``, ``retrieval``, ``zero-shot``, ``background`` or ``faces``
            (by face-api, from PAR's cache of weights).
        dataset: Name of a data set.
        root: Folder of the data set.
        out: Folder of the report.
        split: Number of an official split, or ``zs``.
        part: Part of the split: ``train``, ``val`` or ``test``.
        settings: Keys of the configuration, such as ``{"machine": {"runner": "dask", "workers": 8}}``;
            the default runner is threads.
        weights_dirs: Folders of several trained runs, instead of ``weights_dir`` in the settings.
    """
    _require_absolute(root, out, *(weights_dirs or ()))
    keys = settings or {}
    machine = {"runner": "threads", **keys.get("machine", {})}
    folders: list[Any] = [*weights_dirs] if weights_dirs else [keys.get("weights_dir")]
    configs = [load_config(**{**keys, "machine": machine, "weights_dir": folder}) for folder in folders]
    request = EvaluationRequest(kind, dataset, Path(root), as_split(split), part)
    with prediction_runner(configs[0].machine, quiet=True, verbose=True) as compute:
        scores = evaluate_all(request, configs, Path(out), compute=compute)
    create_markdown_artifact(artifact_of(scores, request, Path(out)), key="par-evaluate")
    if len(configs) == 1:
        create_link_artifact(
            (Path(out) / "report.html").absolute().as_uri(),
            link_text=f"{kind} on {dataset}",
            key="par-evaluate-report",
        )
    return scores


@flow(name="par-check", persist_result=False)
def check(store: str, golden: str, settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """Put the newest version of a store through the quality gate, as ``par gate`` does; fails, and keeps the
    live version, if it does not pass. Saved searches run if it passes.

    Args:
        store: Folder of the store.
        golden: YAML file of golden queries.
        settings: Keys of the configuration; the models must be those that filled the store.

    Raises:
        StoreError: The version did not pass; names every check that failed.
    """
    _require_absolute(store, golden)
    opened, wanted, config = (
        Store.open(store_folder(Path(store), writing=True)),
        load_golden(Path(golden)),
        load_config(**(settings or {})),
    )
    with opened.exclusive():
        report = run_gate(opened, wanted, config)
    create_markdown_artifact(f"{store_status(opened).accounting}\n\n{gate_markdown(report)}", key="par-check")
    if report.passed:
        for line in news_lines(opened, config):
            get_run_logger().info("%s", line)
    _require_passed(report)
    return gate_object(report)


def _tell_of_nothing_new(report: IndexReport, store: str) -> None:
    emit_event(
        "par.index.nothing-new",
        resource={"prefect.resource.id": f"par.store.{store}", "prefect.resource.name": store},
        payload={"listed": report.plan.listed, "vanished": report.plan.vanished},
    )


def _require_passed(report: GateReport) -> None:
    if not report.passed:
        raise StoreError("; ".join(gate_lines(report)))


def _require_absolute(*paths: str | None) -> None:
    """Refuse relative paths: they would lie in the folder of a run, which Prefect deletes at its end. URLs
    that lack their slashes are refused as such.
    """
    for path in paths:
        refuse_without_slashes(path or "", one_will_do=True)
    relative = [
        path for path in paths if path is not None and not Path(path).is_absolute() and ":/" not in path
    ]
    if relative:
        raise BadConfigError(
            f"{relative[0]}: paths of a deployment must be absolute, as every run begins in a folder of its"
            " own that is deleted at its end"
        )
