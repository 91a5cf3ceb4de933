"""``par index``: make archives searchable."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.groups import ModelOptions, WorkerOptions
from flows.cli.options import (
    MACHINE,
    MODELS,
    SHOWN,
    ContainersOption,
    JsonOption,
    MetricsOption,
    NewStoreOption,
)
from flows.cli.stopping import stop_on_signals

__all__ = ["index"]


def index(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Folders, .zip, .tar(.gz), .txt lists of paths, pictures, or URLs such as s3://bucket/prefix.",
        ),
    ],
    store: NewStoreOption,
    golden: Annotated[
        Path | None,
        typer.Option(
            "--golden",
            metavar="FILE",
            help="Golden queries: searches read the new version only if it passes them; see par gate.",
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also try files again that failed before.")
    ] = False,
    accept_empty: Annotated[
        bool,
        typer.Option(
            "--accept-empty",
            help="Take the files of a source that holds none any more as vanished, instead of leaving them.",
        ),
    ] = False,
    containers: ContainersOption = False,
    models: ModelOptions = ModelOptions(),
    min_score: Annotated[
        float | None, typer.Option(help="Lowest score of a person, 0 to 1.", rich_help_panel=MODELS)
    ] = None,
    min_height: Annotated[
        int | None,
        typer.Option(
            help="Least height in pixels; smaller people are kept but not described.", rich_help_panel=MODELS
        ),
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(help="Background of cut-outs: eliminate, blur or keep.", rich_help_panel=MODELS),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="Margin around the person, as a share of the box.", rich_help_panel=MODELS),
    ] = None,
    dilate: Annotated[
        float | None,
        typer.Option(help="Dilation of the mask, as a share of the box's height.", rich_help_panel=MODELS),
    ] = None,
    thumbnails: Annotated[
        bool,
        typer.Option(
            "--thumbnails", help="Keep small JPEGs of the people in Parquet.", rich_help_panel=MODELS
        ),
    ] = False,
    runner: Annotated[
        str | None, typer.Option(help="auto, threads or dask.", rich_help_panel=MACHINE)
    ] = None,
    shard_size: Annotated[
        int | None, typer.Option(help="Largest number of images in a shard.", rich_help_panel=MACHINE)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images in one call of a model.", rich_help_panel=MACHINE)
    ] = None,
    machine: WorkerOptions = WorkerOptions(),
    metrics: MetricsOption = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Do nothing but predict the run, as par plan does; nothing is written."
        ),
    ] = False,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel=SHOWN)] = False,
) -> None:
    r"""Make archives searchable: segment the people in them, describe them, and store the results.

    Run the same command again to continue a stopped run, or to update the store after files were added,
    changed or deleted.

    Examples:
    ```
    par index photos/ --store store
    par index night.zip cameras.tar.gz s3://archive/2026 --store store \
        --workers 8
    par index shards/ --containers --store store
    par index photos/ --store store --retry-failed
    par index photos/ --store store --dry-run
    par index photos/ --store store --golden golden.yaml
    par index photos/ --store store --metrics /var/lib/node_exporter/par.prom
    ```
    """
    settings = models.load(
        machine,
        sources={"containers": containers or None},
        segment={"min_score": min_score, "min_height_px": min_height},
        describe={
            "cutout": {"background": background, "margin": margin, "dilate": dilate},
            "thumbnails": thumbnails or None,
        },
        metrics={"file": metrics},
        machine={"runner": runner, "shard_size": shard_size, "batch_size": batch_size},
    )
    if dry_run:
        from flows.cli.plan import show_plan

        show_plan(settings, sources, store, retry_failed=retry_failed, as_json=as_json)
    from flows.index import run_index
    from flows.index_report import IndexReport

    def show(report: IndexReport) -> None:
        if as_json:
            print(json.dumps(report.as_json(), indent=2, ensure_ascii=False, default=str), flush=True)

    def leave(report: IndexReport) -> None:
        """End now: Prefect would try for minutes to reach its server. Everything is on disk."""
        show(report)
        sys.stderr.flush()
        os._exit(report.exit_code)

    stop_on_signals()
    try:
        report = run_index(
            sources,
            store,
            settings,
            golden=golden,
            retry_failed=retry_failed,
            accept_empty=accept_empty,
            unrecorded=leave,
            quiet=quiet or as_json,
            verbose=machine.verbose,
        )
    # stopped by SIGTERM: the finished shards are committed, so end without waiting for threads
    except SystemExit as stopped:
        sys.stderr.flush()
        os._exit(stopped.code if isinstance(stopped.code, int) else 143)
    show(report)
    raise typer.Exit(report.exit_code)
