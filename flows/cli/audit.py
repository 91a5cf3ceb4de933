"""``par audit``: the labels of a data set that are likely wrong."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.groups import ModelOptions, WorkerOptions
from flows.cli.options import SHOWN
from flows.console.lines import say

__all__ = ["audit"]


def audit(
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            metavar="NAME",
            help="A data set of people with attributes, by its name in par datasets list.",
        ),
    ],
    root: Annotated[
        Path,
        typer.Option(
            "--root",
            metavar="DIR",
            help="Folder of the data set; for ccp and mit also its parent folder; for csv also the file.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for audit.csv, audit.json and audit.html, or with --plant for planted.json.",
        ),
    ] = Path("audit"),
    attributes: Annotated[
        list[str] | None,
        typer.Option("--attribute", metavar="NAME", help="Audit only this attribute; may be repeated."),
    ] = None,
    top: Annotated[
        int,
        typer.Option(
            "--top",
            min=1,
            max=5_000,
            metavar="N",
            help="Largest number of labels on the contact sheet.",
            rich_help_panel=SHOWN,
        ),
    ] = 200,
    plant: Annotated[
        float | None,
        typer.Option(
            "--plant",
            metavar="SHARE",
            help=(
                "Test the audit instead: flip this share of the labels, and count how many of them the audit"
                " finds."
            ),
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Random seed of the folds and of --plant.")
    ] = 0,
    models: ModelOptions = ModelOptions(),
    machine: WorkerOptions = WorkerOptions(),
) -> None:
    """List the labels of a data set that are likely wrong, as CSV and as a contact sheet, most suspicious
    first.

    The labels of each person are judged by a small model that is fitted to the other people (those of one
    identity stay together) on the output of the describer. A describer that was trained on these very labels
    finds fewer of the wrong ones.

    Examples:
    ```
    par audit --dataset rapv2 --root RAP2/ --out audit --attribute hat --top 300
    par audit --dataset mit --root data/ --out audit-test --plant 0.02 --seed 0
    ```
    """
    from flows.console.audit import audit_lines, plant_lines
    from flows.predictions import prediction_runner
    from par_core.studies.audit import AuditRequest, audit_dataset, measure_audit

    settings = models.load(machine)
    request = AuditRequest(dataset, root, out, tuple(attributes or ()), top, seed)
    with prediction_runner(settings.machine, verbose=machine.verbose) as compute:
        if plant is not None:
            print(*plant_lines(measure_audit(request, plant, settings, compute)), sep="\n")
            return
        print(*audit_lines(audit_dataset(request, settings, compute)), sep="\n")
    say(f"par: contact sheet: {out / 'audit.html'}", event="result")
