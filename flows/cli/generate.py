"""``par generate``: pictures of people that are made, not taken, to train on."""

from pathlib import Path
from typing import Annotated, cast

import typer

from flows.cli.generate_options import (
    DatasetOption,
    OutOption,
    QuietOption,
    RootOption,
    SeedOption,
    make_pictures,
)
from flows.cli.generate_swap import swap
from flows.cli.options import ConfigOption, JsonOption, SchedulerOption, WorkersOption, existing_store
from par_core.errors import BadConfigError

__all__ = ["generate"]

generate = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=(
        "Make pictures of people to train on, from labelled people. Run the same command again to continue a"
        " stopped run, with the same result."
    ),
)

generate.add_typer(swap, name="swap")


@generate.command()
def recolour(
    root: RootOption,
    out: OutOption,
    dataset: DatasetOption = "ccp",
    per_person: Annotated[int, typer.Option(min=1, max=1000, help="Copies to try of each person.")] = 4,
    colours: Annotated[
        str,
        typer.Option(
            help="Draw of colours: uniform, real (as often as in the data set), or mixed (half of each)."
        ),
    ] = "mixed",
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy people with garments, hats, bags, shoes and scarves in other colours, by maps of their pixels.

    A copy is kept only if PAR names the wanted colour in it. Jeans and other denim keep their colour, hair
    and skin too.

    Example:
    ```
    par generate recolour --dataset ccp --root data/ --out made/recolour
    ```
    """
    from par_core.made.recolour import Draw
    from par_core.made.recolouring import plan_recolour

    if colours not in ("mixed", "uniform", "real"):
        raise BadConfigError(f"--colours is mixed, uniform or real, not {colours!r}")
    plan = plan_recolour(out, dataset, root, seed, per_person, cast(Draw, colours))
    make_pictures(plan, workers, scheduler, quiet=quiet, as_json=as_json)


@generate.command()
def composite(
    root: RootOption,
    out: OutOption,
    scenes: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of photographs without people; of COCO's in YOLO's form those without are taken.",
        ),
    ],
    dataset: DatasetOption = "ccp",
    n: Annotated[int, typer.Option("--n", min=1, help="Pictures to make.")] = 1000,
    people: Annotated[str, typer.Option(help="Least and most people of a picture.")] = "1-4",
    height: Annotated[str, typer.Option(help="Least and largest height of a person in pixels.")] = "64-256",
    occlude: Annotated[
        float, typer.Option(min=0, max=1, help="Share of people with something in front.")
    ] = 0.4,
    low_light: Annotated[float, typer.Option(min=0, max=1, help="Share of dark pictures.")] = 0.3,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put people on other scenes by maps of their pixels: occluded, in low light, as a camera takes them.

    Labels of garments of which less than 30 % is still seen are unknown. Masks of everybody are written, for
    the training and scoring of segmenters (--dataset made).

    Example:
    ```
    par generate composite --root data/ --scenes data/ --out made/street
    ```
    """
    from par_core.made.compositing import plan_composite

    settings = {"people": _range("--people", people), "height": _range("--height", height)}
    more = {"occlude": occlude, "low_light": low_light}
    plan = plan_composite(out, dataset, root, scenes, n, seed, settings | more)
    make_pictures(plan, workers, scheduler, quiet=quiet, as_json=as_json)


@generate.command("import")
def import_(
    pictures: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of pictures of one person each, made elsewhere.")
    ],
    labels: Annotated[
        Path, typer.Option(metavar="FILE", help="Their labels as CSV: image, of, upper, lower, attributes.")
    ],
    out: OutOption,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", help="Folder of the real pictures that the column 'of' names."),
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take over pictures that other programs have made (diffusion, renderers, DG-Net), marked as made.

    Name in the column "of" the real picture that each was made from, or several with ; between them: the
    copy is then trained on only with these people, and goes with them.

    Example:
    ```
    par generate import renders/ --labels renders/labels.csv --out made/renders
    ```
    """
    from par_core.made.importing import plan_import

    make_pictures(plan_import(out, pictures, labels, root), workers, scheduler, quiet=quiet, as_json=as_json)


@generate.command()
def prune(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that par generate has written.")],
    store: Annotated[
        Path | None,
        typer.Option(
            "--store", metavar="DIR", help="Also erase the copies of whom this store has forgotten."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Erase the made pictures whose source is no longer in its data set, or was forgotten by a store.

    Example:
    ```
    par generate prune made/recolour --store store
    ```
    """
    from par_core.made.erasing import erase_copies, source_is_gone
    from par_core.made.plan import MakingPlan

    named = existing_store(store, config) if store is not None else None
    erased = erase_copies(folder, source_is_gone(MakingPlan.open(folder).root))
    if named is not None:
        from par_core.forget.made_copies import forget_copies
        from par_core.store.layout import Store

        erased += forget_copies(Store.open(named), folder)
    print(f"{erased} made people erased from {folder}")


def _range(option: str, text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    if not (low.isdigit() and high.isdigit()):
        raise BadConfigError(f"{option} wants two whole numbers such as 1-4, got {text!r}")
    return int(low), int(high)
