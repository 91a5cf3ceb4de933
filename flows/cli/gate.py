"""``par gate``: the quality gate, which the newest version of the index passes by its golden queries."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.groups import MachineOptions, ModelOptions
from flows.cli.options import JsonOption, StoreOption

__all__ = ["gate"]


def gate(
    store: StoreOption,
    golden: Annotated[
        Path,
        typer.Option("--golden", metavar="FILE", help="YAML file of golden queries: questions and answers."),
    ] = Path("golden.yaml"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check: keep the live version, and store no report.")
    ] = False,
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
    as_json: JsonOption = False,
) -> None:
    """Check the newest version of the index by golden queries. If it passes this quality gate, it becomes
    live: searches read it from now on, and saved searches run. If not, searches keep the version before.

    Exit code 0 if it passed, 1 if not.

    Examples:
    ```
    par gate --store store --golden golden.yaml
    par gate --store store --golden golden.yaml --dry-run --json
    ```
    """
    from flows.console.gate import gate_lines, gate_object
    from flows.console.lines import say
    from flows.saved_searches import news_lines
    from par_core.gate.golden import load_golden
    from par_core.gate.publish import run_gate
    from par_core.store.layout import Store

    queries = load_golden(golden)
    settings = models.load(machine)
    opened = Store.open(store)
    with opened.exclusive():
        report = run_gate(opened, queries, settings, dry_run=dry_run)
    if as_json:
        print(json.dumps(gate_object(report), indent=2, ensure_ascii=False))
    else:
        print(*gate_lines(report), sep="\n")
        if report.passed and not dry_run:
            print(f"live: version {report.version}")
    if report.passed and not dry_run:
        for line in news_lines(opened, settings):
            say(f"par: {line}", event="saved_search")
    raise typer.Exit(0 if report.passed else 1)
