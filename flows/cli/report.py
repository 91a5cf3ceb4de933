"""``par report``: what two evaluations of the same data differ in."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import SHOWN, JsonOption

__all__ = ["report"]

report = typer.Typer(no_args_is_help=True, help="Compare what **par evaluate --out** has written.")


@report.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of one report.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of another one on the same data.")],
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a page: one file, open it in a browser.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Differences of B from A in every figure, with paired 95 % intervals over the images; a star marks an
    interval without 0.

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
    told = compare_runs(*runs)
    if html is not None:
        write_atomic(html, as_html(comparison_report(*runs, told)).encode("utf-8", "backslashreplace"))
    if as_json:
        print(json.dumps(comparison_object(*runs, told), indent=1))
        return
    width = max((len(each.name) for each in told), default=0)
    for each in told:
        interval = f"({ends(each.change)})" if ends(each.change) else ""
        mark = "*" if each.beyond_chance else " "
        print(
            f"{each.name:{width}}  {number(each.first)} -> {number(each.second)} "
            f" {signed(each.change.estimate)} {mark} {interval}"
        )
