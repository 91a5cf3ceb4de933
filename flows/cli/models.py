"""``par models``: the weights that PAR knows, their places on this machine, their digests, and their
download.
"""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import ConfigOption, JsonOption, WeightsOption
from par_core.errors import BadConfigError

__all__ = ["models"]

models = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Model weights: list them, fetch missing files, verify digests, show model cards.",
)

ClipOption = Annotated[
    str | None,
    typer.Option(
        "--clip",
        metavar="MODEL/WEIGHTS",
        help="Another CLIP model by open_clip's names, such as ViT-L-14/openai.",
    ),
]


@models.command("list")
def list_models(
    weights_dir: WeightsOption = None,
    config: ConfigOption = None,
    clip: ClipOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the models of both profiles, and the files of their weights on this machine.

    Example:
    ```
    par models list --weights-dir weights/
    ```
    """
    from flows.console.models import Row, all_models, as_settings, table

    rows: list[Row] = all_models(as_settings(config, weights_dir, clip))
    if as_json:
        _print([row.as_json() for row in rows])
    else:
        print(*table(rows), sep="\n")


@models.command()
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Names from par models list; default: all that the clip profile needs."
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="DIR",
            help="Folder for the files; default: PAR's cache, where PAR finds them by itself.",
        ),
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="For face-api: folder with the two packages as npm pack writes them, instead of a download.",
        ),
    ] = None,
    config: ConfigOption = None,
    clip: ClipOption = None,
) -> None:
    """Download published weights and check their digests. No other command of PAR goes online by itself.

    face-api is age and gender of faces for par evaluate faces, out of two packages of npm. Networks of
    recognition, race and emotion are refused.

    Examples:
    ```
    par models fetch
    par models fetch ViT-L-14/openai --to weights/
    par models fetch face-api
    ```
    """
    from flows.console.models import as_settings, fetch_all

    for path in fetch_all(names or [], to, as_settings(config, None, clip), given):
        print(path)


@models.command()
def verify(weights_dir: WeightsOption = None, config: ConfigOption = None, clip: ClipOption = None) -> None:
    """Read all weights on this machine and compare their digests. Exit code 1 if one is wrong.

    Example:
    ```
    par models verify --weights-dir weights/
    ```
    """
    from flows.console.models import as_settings, verify_all

    results = verify_all(as_settings(config, weights_dir, clip))
    for name, comparison, right in results:
        print(f"{'ok   ' if right else 'WRONG'} {name}: {comparison}")
    raise typer.Exit(0 if all(right for *_, right in results) else 1)


@models.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from par models list.")],
    weights_dir: WeightsOption = None,
) -> None:
    """Show a model card: the architecture, training data, scores and limits of a model.

    Example:
    ```
    par models show describer-compact
    ```
    """
    from flows.console.models import as_settings, card

    text = card(name, as_settings(None, weights_dir, None))
    if text is None:
        raise BadConfigError(f"no model {name!r}; see them with: par models list")
    print(text)


def _print(content: object) -> None:
    import json

    print(json.dumps(content, indent=2))
