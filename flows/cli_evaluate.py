"""``par evaluate``: how good the models are on people whose labels are known."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.options import ConfigOption, DeviceOption, ProfileOption, RuntimeOption, WeightsOption
from par_core.config import load_config
from par_core.errors import BadConfigError

__all__ = ["evaluate"]


def evaluate(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="segmentation, attributes, retrieval or store.")],
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME", help="segmentation: pennfudan, coco, ccp; attributes and retrieval: ccp, mit.")
    ] = None,
    root: Annotated[Path | None, typer.Option("--root", metavar="DIR", help="Folder of the data set, or the folder that holds it.")] = None,
    store: Annotated[Path | None, typer.Option("--store", metavar="DIR", help="store: what par index has written.")] = None,
    labels: Annotated[Path | None, typer.Option("--labels", metavar="FILE", help="store: labels of your own as CSV (docs/datasets.md).")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write report.html, .md and .json there, and the items for par report compare.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything there as one JSON object; - prints it.")] = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    weights_dir: WeightsOption = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
) -> None:
    """Score the models on a data set in its published format.

    **segmentation**: average precision of masks and boxes; precision and recall at the usual threshold. **attributes**: AUC, mA and accuracy of each.
    **retrieval**: average precision of text queries over the prevalence of what is asked for. People are found and cut out as indexing does.
    **store**: the attributes that are stored already against labels of your own; no model runs. Labels that match nobody make the exit code 1.

    Examples:
        par evaluate segmentation --dataset pennfudan --root data/ --json pennfudan.json

        par evaluate attributes --dataset ccp --root data/ccp --out reports/ccp

        par evaluate retrieval --dataset mit --root data/ --profile clip --weights-dir weights/

        par evaluate store --store store --labels labels.csv --out reports/store
    """
    from flows.evaluation import evaluate as run
    from flows.evaluation import summary_lines

    if kind == "store":
        if store is None or labels is None or dataset is not None or root is not None:
            raise BadConfigError("par evaluate store takes --store DIR and --labels FILE, and neither --dataset nor --root")
        from flows.store_evaluation import evaluate_stored

        scores = evaluate_stored(store, labels, out)
    else:
        if dataset is None or root is None or store is not None or labels is not None:
            raise BadConfigError(f"par evaluate {kind} takes --dataset NAME and --root DIR, and neither --store nor --labels")
        settings = load_config(config, profile=profile, weights_dir=weights_dir, machine={"runtime": runtime, "device": device})
        scores = run(kind, dataset, root, settings, out)
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
    raise typer.Exit(1 if scores.get("unmatched") else 0)
