"""``par plan``: what ``par index`` would do, and how long it would take."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from flows.cli.groups import ModelOptions, WorkerOptions
from flows.cli.options import ContainersOption, JsonOption, NewStoreOption
from flows.console.lines import say
from par_core.errors import BadConfigError

if TYPE_CHECKING:
    from par_core.config import RunConfig

__all__ = ["SAMPLE", "plan", "show_plan"]

#: Pictures that a prediction runs the models on, if ``--sample`` does not say.
SAMPLE: Final = 64


def plan(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="The sources of par index: folders, archives, lists, URLs."),
    ],
    store: NewStoreOption,
    sample: Annotated[
        int,
        typer.Option(
            "--sample", min=0, max=10_000, metavar="N", help="Pictures that the models are run on; 0: none."
        ),
    ] = SAMPLE,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also count files that failed before as due.")
    ] = False,
    containers: ContainersOption = False,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Random seed of the sample.")] = 0,
    models: ModelOptions = ModelOptions(),
    machine: WorkerOptions = WorkerOptions(),
    as_json: JsonOption = False,
) -> None:
    """Predict an index run without beginning it: count what is new, changed and to be retried, index a random
    sample into a temporary folder, and predict hours, bytes and rows with intervals. Nothing is written to
    the store, which need not exist yet.

    Examples:
    ```
    par plan /srv/par/archive --store /srv/par/store
    par plan s3://archive/2026 --store store --sample 200 --workers 32
    ```
    """
    settings = models.load(machine, sources={"containers": containers or None})
    show_plan(settings, sources, store, sample, seed=seed, retry_failed=retry_failed, as_json=as_json)


def show_plan(
    settings: "RunConfig",
    sources: Sequence[str],
    store: Path,
    sample: int = SAMPLE,
    *,
    seed: int = 0,
    retry_failed: bool = False,
    as_json: bool = False,
) -> NoReturn:
    """Predict an index run, print the prediction, and end the command: with exit code 1 if a source holds
    nothing any more.
    """
    if settings.machine.scheduler is not None and settings.machine.workers is None:
        raise BadConfigError("say with --workers how many workers the scheduler will have in the night")
    from flows.pools import one_thread_each

    # as in a worker; read when the libraries are loaded
    os.environ.update(one_thread_each(settings.machine.threads_per_worker))
    from flows.console.plan import plan_lines, plan_object, predict
    from flows.runners import n_workers
    from par_core.stages.foresee import foresee
    from par_core.stages.plan import shard_size
    from par_core.stages.run import Run
    from par_core.stages.sample import sample_files
    from par_core.store.layout import Store

    run = Run.of(Store(store), settings)
    run.store.refresh()
    if (store / "store.json").is_file():
        Store.open(store)  # of this format
    foreseen = foresee(run, sources, retry_failed=retry_failed)
    for source in foreseen.empty:
        say(f"par: warning: there are no pictures in {source}", event="source_empty")
    for source in foreseen.emptied:
        say(
            f"par: warning: {source} held files before, and holds none now: is it mounted?",
            event="source_emptied",
        )
    measured = sample_files(run, foreseen.due, sample, seed=seed) if sample else None
    workers = n_workers(settings.machine)
    size = shard_size(len(foreseen.due), workers, settings.machine.shard_size)
    shards = -(-len(foreseen.due) // size)
    predicted = predict(foreseen, measured, workers, shards) if measured else None
    if as_json:
        print(json.dumps(plan_object(foreseen, measured, predicted, workers), indent=2, ensure_ascii=False))
    else:
        print(*plan_lines(foreseen, measured, predicted, workers), sep="\n")
    raise typer.Exit(1 if foreseen.emptied else 0)
