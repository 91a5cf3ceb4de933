"""Options that the commands of ``par generate`` share, and what each does at its end."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.options import SHOWN

if TYPE_CHECKING:
    from par_core.made.plan import MakingPlan

__all__ = ["DatasetOption", "OutOption", "QuietOption", "RootOption", "SeedOption", "make_pictures"]

DatasetOption = Annotated[
    str, typer.Option("--dataset", metavar="NAME", help="Data set with maps of garments: ccp.")
]
RootOption = Annotated[Path, typer.Option("--root", metavar="DIR", help="Folder of the data set.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the made pictures.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Random seed.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel=SHOWN)]


def make_pictures(
    plan: "MakingPlan", workers: int | None, scheduler: str | None, *, quiet: bool, as_json: bool
) -> None:
    """Make what a plan says, and print what came of it."""
    from flows.making import make
    from par_core.config import MachineConfig

    machine = MachineConfig(workers=workers, scheduler=scheduler)
    manifest = make(plan, machine, shlex.join(["par", *sys.argv[1:]]), quiet=quiet or as_json)
    if as_json:
        print(json.dumps(manifest, indent=2))
        return
    print(*_lines(manifest), sep="\n")
    print(f"made pictures: {plan.folder}")


def _lines(manifest: dict[str, Any]) -> list[str]:
    tried, kept = manifest["tried"], manifest["kept"]
    share = f" ({kept / tried:.1%})" if tried else ""
    lines = [
        f"{manifest['people']} people on {manifest['pictures']} pictures; {kept} of {tried} tries kept{share}"
    ]
    return lines + [f"  {count} refused: {reason}" for reason, count in manifest["refused"].items()]
