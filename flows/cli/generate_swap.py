"""``par generate swap``: people in the clothes of others, by a network that is trained here."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.generate_options import (
    DatasetOption,
    OutOption,
    QuietOption,
    RootOption,
    SeedOption,
    make_pictures,
)
from flows.cli.groups import with_groups
from flows.cli.options import JsonOption, SchedulerOption, WorkersOption
from flows.cli.train import run_training
from flows.cli.train_options import RECIPE, RunOptions
from par_core.errors import BadConfigError

__all__ = ["swap"]

swap = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Dress people in the clothes of others, by a small generative network: train it, then apply it.",
)


@swap.command("train")
@with_groups
def train_swap(
    root: RootOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for checkpoints, log, curve and weights.")
    ],
    dataset: DatasetOption = "ccp",
    hours: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Hours to train; as many steps as fit, measured when the run begins. Instead of --steps.",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    seed: SeedOption = 0,
    run: RunOptions = RunOptions(),
) -> None:
    """Train the network, on people of the training part only; default: 10,000 steps.

    Example:
    ```
    par generate swap train --root data/ --out runs/swap --hours 3
    ```
    """
    if hours is not None and run.steps is not None:
        raise BadConfigError("--hours or --steps, not both")
    settings: dict[str, Any] = {"what": "swap", "dataset": dataset, "root": str(root), "hours": hours}
    run_training(settings | run.settings(), out, [seed], None, {}, run)


@swap.command("apply")
def apply_swap(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder that par generate swap train has written.")
    ],
    root: RootOption,
    out: OutOption,
    dataset: DatasetOption = "ccp",
    n: Annotated[int, typer.Option("--n", min=1, help="Pictures to try.")] = 4000,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Dress the people whom a network has learned from in the clothes of each other.

    Clothes on upper body, lower body and feet are swapped; everything else keeps the photograph's pixels. A
    picture is kept only if PAR names the lender's colour in it, of one garment at least.

    Example:
    ```
    par generate swap apply runs/swap --root data/ --out made/swap --n 4000
    ```
    """
    from par_core.made.swapping import plan_swap

    plan = plan_swap(out, run, dataset, root, seed, n)
    make_pictures(plan, workers, scheduler, quiet=quiet, as_json=as_json)
