"""``par export``: people of a store for other programs."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.cli.groups import MachineOptions, ModelOptions
from flows.cli.options import SHOWN, JsonOption, StoreOption

__all__ = ["export"]


def export(
    store: StoreOption,
    form: Annotated[
        Literal["parquet", "csv", "coco", "fiftyone"],
        typer.Argument(metavar="FORMAT", help="parquet, csv, coco or fiftyone."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to create.")],
    query: Annotated[
        str | None,
        typer.Option("--query", metavar="TEXT", help="Only the hits of this search; default: all people."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="FILTER", help="Only people who match this filter; see par search."),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", min=1, max=10_000, metavar="N", help="Largest number of hits of --query.")
    ] = 1_000,
    crops: Annotated[
        Literal["eliminate", "blur", "keep"] | None,
        typer.Option(
            "--crops",
            metavar="BACKGROUND",
            help="Also a JPEG of every person, with the background treated so: eliminate, blur or keep.",
        ),
    ] = None,
    segmentation: Annotated[
        Literal["rle", "polygon"] | None,
        typer.Option(
            "--segmentation",
            metavar="KIND",
            help="For coco and fiftyone: outlines as rle (run-lengths, exact; the default) or polygon.",
        ),
    ] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Also the embeddings.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing export.")] = False,
    version: Annotated[
        str,
        typer.Option("--version", metavar="VERSION", help="Version of the index: live, latest, or a number."),
    ] = "live",
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
    as_json: JsonOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress bar.", rich_help_panel=SHOWN)
    ] = False,
) -> None:
    r"""Export people with their boxes, masks, attributes and sources for other programs. The folder is
    written as a whole or not at all; provenance.json states the origin of the data.

    Exit code 1 if the pictures of some people are missing.

    Examples:
    ```
    par export parquet --out people --store store --vectors
    par export csv --out coats --store store --query "a woman in a red coat" \
        --top 200 --crops keep
    par export coco --out masks --store store \
        --where "hat and height_px > 100" --segmentation polygon
    par export fiftyone --out dataset --store store \
        --where "captured_at >= 2026-11-01"
    ```
    """
    from rich.console import Console
    from rich.progress import Progress

    from par_core.access import Access, Caller, question_text
    from par_core.export.folder import ExportRequest, export_people
    from par_core.query.from_store import Searcher

    settings = models.load(machine)
    request = ExportRequest(form, out, query, where, top, crops, vectors, force, segmentation)
    with Progress(
        console=Console(stderr=True), transient=True, disable=quiet or as_json or not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task("people", total=None)
        access = Access.open(store, settings.access.audit_days)
        with access.recording(
            Caller.local(),
            "export",
            question_text(query, None, where) or "everybody",
            unrecorded=lambda message: print(f"par: {message}", file=sys.stderr),
        ) as event:
            report = export_people(
                Searcher(store, settings, version), request, lambda n: progress.advance(task, n)
            )
            event.count = report.people
    for warning in report.warnings:
        print(f"par: warning: {warning}", file=sys.stderr)
    if as_json:
        print(json.dumps(asdict(report), indent=2, ensure_ascii=False, default=str))
    else:
        print(f"{report.people:,} {'person' if report.people == 1 else 'people'} in {report.out}")
        if report.missing:
            print(f"no picture of {report.missing:,}; why: {report.out / 'provenance.json'}")
    raise typer.Exit(1 if report.missing else 0)
