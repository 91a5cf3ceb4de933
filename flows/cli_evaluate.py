"""``par evaluate``: how good the models are on people whose labels are known."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.options import ConfigOption, DeviceOption, ProfileOption, RuntimeOption, SchedulerOption, VerboseOption, WeightsOption, WorkersOption
from par_core.config import load_config

__all__ = ["evaluate"]


def evaluate(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="segmentation, attributes or retrieval.")],
    dataset: Annotated[str, typer.Option("--dataset", metavar="NAME", help="segmentation: pennfudan, coco, ccp; attributes and retrieval: ccp, mit.")],
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="Folder of the data set, or the folder that holds it.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write report.html, .md and .json there, and the items for par report compare.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything there as one JSON object; - prints it.")] = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    weights_dir: WeightsOption = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Score the models on a data set in its published format.

    **segmentation**: average precision of masks and boxes; precision and recall at the usual threshold. **attributes**: AUC, mA and accuracy of each.
    **retrieval**: average precision of text queries over the prevalence of what is asked for. People are found and cut out as indexing does.

    Examples:
        par evaluate segmentation --dataset pennfudan --root data/ --json pennfudan.json

        par evaluate attributes --dataset ccp --root data/ccp --out reports/ccp

        par evaluate retrieval --dataset mit --root data/ --profile clip --weights-dir weights/
    """
    from flows.evaluation import evaluate as run
    from flows.evaluation import summary_lines
    from flows.observing import observing

    settings = load_config(
        config, profile=profile, weights_dir=weights_dir, machine={"runtime": runtime, "device": device, "workers": workers, "scheduler": scheduler}
    )
    with observing(settings.machine, verbose=verbose) as carry_out:
        scores = run(kind, dataset, root, settings, out, carry_out=carry_out)
    text = json.dumps(scores, indent=1)
    if json_file is not None and str(json_file) == "-":
        print(text)
    else:
        print(*summary_lines(scores), sep="\n")
    if json_file is not None and str(json_file) != "-":
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(text + "\n")
    if out is not None:
        print(f"report: {out / 'report.html'}", file=sys.stderr)
