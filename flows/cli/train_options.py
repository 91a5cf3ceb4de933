"""Options that the commands of ``par train`` share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.options import MACHINE, SHOWN, JsonOption, LogFormatOption, VerboseOption

__all__ = [
    "RECIPE",
    "MadeOption",
    "MadeWeightOption",
    "OutOption",
    "RootOption",
    "RunOptions",
    "SeedOption",
]

RECIPE = "Recipe (default: the one of the shipped weights)"
RootOption = Annotated[Path, typer.Option("--root", metavar="DIR", help="Folder of the data set.")]
OutOption = Annotated[
    Path,
    typer.Option(
        "--out", metavar="DIR", help="Folder for checkpoints, log, curve, scores, model card and weights."
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="Random seed of the run.", rich_help_panel=RECIPE)
]
MadeOption = Annotated[
    Path | None,
    typer.Option(
        "--made",
        metavar="DIR",
        help="Also learn from the pictures of par generate that were made from training people.",
        rich_help_panel=RECIPE,
    ),
]
MadeWeightOption = Annotated[
    float,
    typer.Option(
        "--made-weight",
        help="How often a made picture is drawn, of how often a real one is.",
        rich_help_panel=RECIPE,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of a training run: its length, the machine, and the output."""

    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Largest number of optimiser steps.", rich_help_panel=RECIPE),
    ] = None
    batch: Annotated[
        int | None,
        typer.Option("--batch", min=1, help="Pictures or people per step.", rich_help_panel=RECIPE),
    ] = None
    rate: Annotated[
        float | None, typer.Option("--rate", help="Peak learning rate.", rich_help_panel=RECIPE)
    ] = None
    score_every: Annotated[
        int | None,
        typer.Option(
            "--score-every",
            min=0,
            help="Steps between scores on held-out people; 0: never.",
            rich_help_panel=RECIPE,
        ),
    ] = None
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience",
            min=0,
            help="Stop after this many scores without a new best; 0: never.",
            rich_help_panel=RECIPE,
        ),
    ] = None
    save_every: Annotated[
        int, typer.Option("--save-every", min=1, help="Steps between checkpoints.", rich_help_panel=RECIPE)
    ] = 100
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.", rich_help_panel=MACHINE)] = (
        "auto"
    )
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Threads of each process.", rich_help_panel=MACHINE)
    ] = 1
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            min=1,
            help="Processes that train one run together (torchrun); default: one per CUDA device, or one.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    as_json: JsonOption = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel=SHOWN)] = False
    log_format: LogFormatOption = "plain"
    verbose: VerboseOption = False

    def settings(self) -> dict[str, Any]:
        """Return these keys of a ``TrainingJob``; None takes the default."""
        names = ("steps", "batch", "rate", "score_every", "patience", "save_every", "device", "threads")
        return {name: getattr(self, name) for name in names}
