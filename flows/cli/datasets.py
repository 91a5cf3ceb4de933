"""``par datasets``: the data sets that PAR reads, and a check whether a copy is complete and as published."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import JsonOption

__all__ = ["datasets"]

datasets = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Data sets for training and evaluation: list those that PAR reads, check a copy.",
)


@datasets.command("list")
def list_datasets(as_json: JsonOption = False) -> None:
    """List the data sets: their content, the files they need, their terms and their sources. PAR downloads
    none.

    Example:
    ```
    par datasets list
    ```
    """
    from flows.console.datasets import listing, listing_lines

    _print(listing()) if as_json else print(*listing_lines(), sep="\n")


@datasets.command()
def check(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A name from par datasets list.")],
    root: Annotated[
        Path, typer.Argument(metavar="ROOT", help="Folder of the data set; for csv also the file itself.")
    ],
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="SPLIT",
            help="Number of an official split, from 0; or zs: no person is in two parts (PETAzs, RAPzs).",
        ),
    ] = "0",
    as_json: JsonOption = False,
) -> None:
    """Read a data set and print its people by part, the prevalence of each attribute, the identities that are
    in two parts, and the first problems. Exit code 1 if there are problems.

    Examples:
    ```
    par datasets check pa100k PA-100K/
    par datasets check rapv2 RAP2/ --split zs
    par datasets check csv my-labels/ --json
    ```
    """
    from flows.console.datasets import check_dataset, report_lines

    report = check_dataset(dataset, root, split)
    _print(report) if as_json else print(*report_lines(report), sep="\n")
    raise typer.Exit(1 if report["problems"] else 0)


def _print(content: object) -> None:
    import json

    print(json.dumps(content, indent=2))
