"""``par analyse``: the picture quality of collections."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import NAME_A_STORE, ConfigOption, ContainersOption, existing_store
from par_core.errors import BadConfigError

__all__ = ["analyse"]


def analyse(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE",
            help="Folders, .zip, .tar(.gz), .txt lists of paths, pictures, or URLs; one row each.",
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help=(
                "Also the people of a store, as measured by par index: resolution and GLVN of their boxes."
            ),
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the results to this file as one JSON object; - prints it."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Draw histograms: .png, .svg or .pdf.")
    ] = None,
    brisque_model: Annotated[
        Path | None,
        typer.Option(
            "--brisque-model",
            metavar="FILE",
            help=(
                "The file allmodel of the BRISQUE authors, with allrange beside it; default: the installed"
                " package brisque."
            ),
        ),
    ] = None,
    containers: ContainersOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure the picture quality of collections: resolution, sharpness (GLVN) and naturalness (BRISQUE), as
    in table 1 of the paper.

    Prints a line for every source and sub-folder. Files that cannot be read are counted, listed with the
    reason, and make the exit code 1.

    Examples:
    ```
    par analyse PETA/ PA-100K/data.zip
    par analyse photos/ --json quality.json --out quality.png
    par analyse --store store
    ```
    """
    from par_core.config import load_config

    if not sources and store is None and load_config(config).store is None:
        raise BadConfigError(f"name a source (par analyse photos/) or a store: {NAME_A_STORE}")
    if not sources or store is not None:
        store = existing_store(store, config)
    from flows.console.picture_quality import picture_quality_lines
    from flows.console.progress import followed
    from par_core.studies.picture_quality import (
        MISSING_MODEL,
        analyse_sources,
        analyse_store,
        as_json,
        check_histogram_file,
        draw_histograms,
        find_model,
    )

    read_containers = containers or load_config(config).sources.containers
    if out is not None:
        check_histogram_file(out)
    model = find_model(brisque_model)
    if model is None and sources:
        print(f"par: {MISSING_MODEL}", file=sys.stderr, flush=True)
    analyses = [
        *analyse_sources(sources or [], model, followed, containers=read_containers),
        *([analyse_store(store)] if store is not None else []),
    ]
    printed = json_file is not None and str(json_file) == "-"
    if json_file is not None:
        text = json.dumps(as_json(analyses, model), indent=1)
        if printed:
            print(text)
        else:
            json_file.parent.mkdir(parents=True, exist_ok=True)
            json_file.write_text(text + "\n")
    if not printed:
        print(*picture_quality_lines(analyses), sep="\n")
    if out is not None:
        draw_histograms(analyses, out)
    raise typer.Exit(1 if any(analysis.failed for analysis in analyses) else 0)
