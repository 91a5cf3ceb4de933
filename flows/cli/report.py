"""``par report``: the differences of two evaluations of the same data."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import SHOWN, JsonOption

__all__ = ["report"]

report = typer.Typer(no_args_is_help=True, help="Compare two reports of **par evaluate --out**.")


@report.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of the first report.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another report on the same data.")],
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a page into this file, to open in a browser.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the change from A to B in every figure, with paired 95 % intervals over the images; a star marks
    an interval without 0.

    Examples:
    ```
    par report compare reports/compact reports/clip
    par report compare reports/before reports/after --html difference.html
    ```
    """
    from par_core.atomic import write_atomic
    from par_core.evaluate.saved_run import read_run
    from par_core.reports.compare import compare_runs, comparison_object, comparison_report
    from par_core.reports.render import as_html
    from par_core.reports.wording import ends, number, signed

    runs = read_run(first), read_run(second)
    comparisons = compare_runs(*runs)
    if html is not None:
        write_atomic(html, as_html(comparison_report(*runs, comparisons)).encode("utf-8", "backslashreplace"))
    if as_json:
        print(json.dumps(comparison_object(*runs, comparisons), indent=1))
        return
    if not comparisons:
        print("no figure is defined in both reports")
    width = max((len(figure.name) for figure in comparisons), default=0)
    for figure in comparisons:
        interval = f"({ends(figure.change)})" if ends(figure.change) else ""
        mark = "*" if figure.beyond_chance else " "
        print(
            f"{figure.name:{width}}  {number(figure.first)} -> {number(figure.second)} "
            f" {signed(figure.change.estimate)} {mark} {interval}"
        )
