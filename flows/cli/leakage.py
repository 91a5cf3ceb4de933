"""``par leakage``: test pictures of a data set whose people or copies are in its train part."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.groups import ModelOptions, WorkerOptions
from flows.cli.options import SHOWN
from flows.console.lines import say

__all__ = ["leakage"]


def leakage(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="TRAIN TEST", help="Two folders of pictures; or give --dataset instead."),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            metavar="NAME",
            help="A data set of people with attributes and a split, by its name in par datasets list.",
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="Folder of the data set; for csv also the file."),
    ] = None,
    split: Annotated[
        str, typer.Option("--split", metavar="SPLIT", help="Number of an official split, from 0; or zs.")
    ] = "0",
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for report.html, pairs.csv, report.json and the cleaned lists.",
        ),
    ] = Path("leakage"),
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="KIND",
            help=(
                "Evidence that counts: identity, digest, hash or embedding; may be repeated. Default: all but"
                " embedding, which names suspects where identities are not known."
            ),
        ),
    ] = None,
    max_bits: Annotated[
        int,
        typer.Option(
            "--max-bits",
            min=0,
            max=64,
            metavar="N",
            help="Perceptual hashes that differ in at most N bits count as one picture.",
        ),
    ] = 10,
    max_distance: Annotated[
        float | None,
        typer.Option(
            "--max-distance",
            min=0,
            max=2,
            metavar="D",
            help="Largest distance (1 - cosine) of embeddings that count; default: measured on copies.",
        ),
    ] = None,
    false_positives: Annotated[
        float,
        typer.Option(
            "--false-positives",
            min=1e-7,
            max=0.1,
            metavar="RATE",
            help="Share of different pairs that may count as near when the distance is measured.",
        ),
    ] = 1e-4,
    scores: Annotated[
        Path | None,
        typer.Option(
            "--scores",
            metavar="DIR",
            help="Report of par evaluate attributes on the test part: score it again without the leaks.",
        ),
    ] = None,
    top: Annotated[
        int,
        typer.Option(
            "--top",
            min=0,
            max=1_000,
            metavar="N",
            help="Largest number of pairs of each kind on the page.",
            rich_help_panel=SHOWN,
        ),
    ] = 40,
    models: ModelOptions = ModelOptions(),
    machine: WorkerOptions = WorkerOptions(),
) -> None:
    r"""Find test pictures that have a counterpart in train: the same person, the same file, a copy; and
    suspects by embedding.

    Writes the pairs side by side, the share of leaked test pictures as in Jia et al. (2020), and both parts
    without the leaks. The same command continues a stopped run.

    Examples:
    ```
    par leakage --dataset rapv2 --root RAP2/ --out leakage
    par leakage --dataset pa100k --root PA-100K/ --out leakage --by digest \
        --by hash
    par leakage photos/train photos/test --out leakage --false-positives 1e-5
    ```
    """
    from flows.console.datasets import as_split
    from flows.console.leakage import leakage_lines
    from flows.predictions import prediction_runner
    from par_core.evaluate.leakage.search import Limits
    from par_core.studies.leakage import LeakageRequest, report_leakage

    settings = models.load(machine)
    limits = Limits(tuple(by or ()), max_bits, max_distance, false_positives)
    request = LeakageRequest(tuple(folders or ()), dataset, root, as_split(split), out, limits, scores, top)
    with prediction_runner(settings.machine, verbose=machine.verbose) as compute:
        summary = report_leakage(request, settings, compute)
    print(*leakage_lines(summary), sep="\n")
    say(f"par: report: {out / 'report.html'}", event="result")
