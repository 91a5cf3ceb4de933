"""``par watch``: index what arrives in a folder."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.groups import ModelOptions, WorkerOptions
from flows.cli.options import ContainersOption, MetricsOption, NewStoreOption
from flows.cli.stopping import stop_on_signals
from flows.console.lines import say
from par_core.errors import BadConfigError
from par_core.object_store.slashes import refuse_without_slashes

if TYPE_CHECKING:
    from flows.index_report import IndexReport
    from par_core.archive.entries import Entry

__all__ = ["watch"]


def watch(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder, on this machine or mounted.")],
    store: NewStoreOption,
    quiet_for: Annotated[
        float,
        typer.Option(
            "--quiet-for",
            min=0.1,
            max=3600,
            metavar="S",
            help="Seconds for which size and time of a file must stay the same before it is read.",
        ),
    ] = 5.0,
    every: Annotated[
        float,
        typer.Option("--every", min=0.1, max=3600, metavar="S", help="Seconds between two looks."),
    ] = 2.0,
    once: Annotated[
        bool, typer.Option("--once", help="Index what is there, once it is finished, and end.")
    ] = False,
    golden: Annotated[
        Path | None,
        typer.Option(
            "--golden", metavar="FILE", help="Golden queries for every batch, as for par index; see par gate."
        ),
    ] = None,
    containers: ContainersOption = False,
    models: ModelOptions = ModelOptions(),
    machine: WorkerOptions = WorkerOptions(),
    metrics: MetricsOption = None,
) -> None:
    """Index what arrives in a folder, batch by batch, with one line a batch, until Ctrl-C. Files are read
    once they are finished; files that change or vanish are followed too.

    Each batch is a run of par index: saved searches run after it, and a killed one is continued after a
    restart. What fails is tried again. The folder is looked at, not subscribed to, so that folders on a
    network are watched like others.

    Examples:
    ```
    par watch /srv/cameras --store store
    par watch /mnt/nas/uploads --store store --quiet-for 30 --every 10
    par watch drop/ --store store --once
    ```
    """
    settings = models.load(machine, sources={"containers": containers or None}, metrics={"file": metrics})
    refuse_without_slashes(folder)
    if "://" in folder:
        raise BadConfigError(f"{folder} is a URL, which cannot be watched; run par index on a schedule")
    from par_core.archive.canonical import canonical

    watched = Path(canonical(str(Path(folder).expanduser())))
    if watched.is_file():
        raise BadConfigError(f"{watched} is a file, and par watch takes a folder; read it with: par index")
    if not watched.is_dir():
        raise BadConfigError(f"there is no folder at {watched}")
    from flows.index import run_index
    from flows.watching import Watch
    from par_core.archive.arrivals import Arrivals

    def index(is_finished: "Callable[[Entry], bool]") -> "IndexReport":
        return run_index(
            [str(watched)],
            store,
            settings,
            golden=golden,
            is_finished=is_finished,
            quiet=True,
            news=True,
            verbose=machine.verbose,
        )

    stop_on_signals()
    arrivals = Arrivals(watched, quiet_for, settings.sources.containers)
    watching = Watch(arrivals, index, every)
    try:
        if once:
            report = watching.once()
            raise typer.Exit(report.exit_code)
        say(
            f"par: watching {watched}: files that do not change for {quiet_for:g} s are indexed into {store}"
            " (Ctrl-C ends it)",
            event="start",
        )
        watching.forever()
    except SystemExit as stopped:  # by SIGTERM: finished shards are committed, threads are not waited for
        sys.stderr.flush()
        os._exit(stopped.code if isinstance(stopped.code, int) else 143)
