"""``par evaluate``: how good the models are on people whose labels are known."""

import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from flows.options import (
    MODELS,
    ConfigOption,
    DeviceOption,
    ProfileOption,
    RuntimeOption,
    SchedulerOption,
    VerboseOption,
    WorkersOption,
)
from par_core.config import load_config

__all__ = ["evaluate"]

_DATASETS: Final = "segmentation: pennfudan, coco, ccp; retrieval: ccp, mit; the others: peta, rapv1, rapv2, pa100k, market1501, openimages, ccp, mit, csv."


def evaluate(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="segmentation, attributes, retrieval or background.")],
    dataset: Annotated[str, typer.Option("--dataset", metavar="NAME", help=_DATASETS)],
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="Folder of the data set; of ccp and mit also the folder that holds it.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write report.html, .md and .json there, the items for par report compare, and what the models saw."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything there as one JSON object; - prints it.")] = None,
    split: Annotated[str, typer.Option("--split", metavar="SPLIT", help="Of attribute data sets: an official split by its number, from 0; or zs.")] = "0",
    part: Annotated[str | None, typer.Option("--part", metavar="PART", help="train, val or test; default: test where there is one, else everybody.")] = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    weights_dirs: Annotated[
        list[Path] | None,
        typer.Option(
            "--weights-dir",
            metavar="DIR",
            help="Folder with the weights of the clip profile; give one a trained run for mean and standard deviation.",
            rich_help_panel=MODELS,
        ),
    ] = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Score the models on a data set in its published format.

    **segmentation**: average precision of masks and boxes; precision and recall at the usual threshold. **attributes**: AUC, mA, precision, recall and F1 of
    each, and over images. **retrieval**: average precision of text queries over the prevalence of what is asked for. **background**: attributes with the
    background eliminated, blurred and kept. People are found and cut out as indexing does. With --out a stopped command goes on where it was.

    Examples:
        par evaluate segmentation --dataset pennfudan --root data/ --json pennfudan.json

        par evaluate attributes --dataset rapv2 --root RAP2/ --out reports/rap --profile clip --weights-dir runs/seed-0 --weights-dir runs/seed-1

        par evaluate retrieval --dataset mit --root data/ --out reports/mit --workers 4

        par evaluate background --dataset ccp --root data/ --out reports/background
    """
    from flows.datasets import as_split
    from flows.evaluation import Asked
    from flows.evaluation_runs import evaluate_all, lines
    from flows.observing import observing

    machine = {"runtime": runtime, "device": device, "workers": workers, "scheduler": scheduler}
    folders: list[Path | None] = [*weights_dirs] if weights_dirs else [None]
    settings = [load_config(config, profile=profile, weights_dir=folder, machine=machine) for folder in folders]
    asked = Asked(kind, dataset, root, as_split(split), part)
    with observing(settings[0].machine, verbose=verbose) as carry_out:
        scores = evaluate_all(asked, settings, out, carry_out=carry_out)
    text = json.dumps(scores, indent=1)
    if json_file is not None and str(json_file) == "-":
        print(text)
    else:
        print(*lines(scores), sep="\n")
    if json_file is not None and str(json_file) != "-":
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(text + "\n")
    if out is not None:
        print(f"report: {out / 'report.html' if len(settings) == 1 else out}", file=sys.stderr)
