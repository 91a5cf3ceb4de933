"""``par status``, ``par verify`` and ``par rebuild``: the content of a store, its check, and its index
rebuilt.
"""

import json
from typing import Annotated, Any

import typer

from flows.cli.options import SHOWN, ConfigOption, JsonOption, StoreOption
from par_core.errors import BadConfigError
from par_core.object_store.places import shown
from par_core.plurals import number_of

__all__ = ["rebuild", "status", "verify"]


def status(
    store: StoreOption,
    failed: Annotated[
        bool, typer.Option("--failed", help="List the failed files with their reasons.")
    ] = False,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch",
            min=0.1,
            metavar="[SECONDS]",
            help="Print again every SECONDS (2 if not given) until Ctrl-C; with --json an object a line.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the content of a store, the version of the index that searches read, and the accounting of all
    files.

    Examples:
    ```
    par status --store store
    par status --store store --failed
    par status --store store --watch
    ```
    """
    if watch is not None:
        if failed:
            raise BadConfigError("--watch shows the counts alone; leave --failed out")
        from flows.console.watch import watch_store

        watch_store(store, watch, as_json=as_json)
    from flows.console.status import status_lines, status_object
    from par_core.gate.report import last_gate
    from par_core.stages.status import store_status
    from par_core.store.layout import Store
    from par_core.store.run_progress import read_progress

    opened = Store.open(store)
    report, gated, progress = store_status(opened), last_gate(opened), read_progress(opened)
    rows: list[dict[str, Any]] = []
    if failed:
        from flows.console.hits import printable
        from flows.console.results import failed_files

        rows = failed_files(opened, report)
    if as_json:
        _print_json(status_object(report, gated, progress) | ({"failed_files": rows} if failed else {}))
        return
    print(*status_lines(report, gated, progress), sep="\n")
    for row in rows:
        print(f"{row['status']}\t{printable(row['uri'])}\t{printable(row['message'])}")


def verify(
    store: StoreOption,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Read everything again, instead of a random sample of shards.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the accounting of files and people, and a random sample of shards with their checksums, the
    ledger and the index. Exit code 1 if there are problems.

    Examples:
    ```
    par verify --store store
    par verify --store store --thorough
    ```
    """
    from dataclasses import asdict, replace

    from par_core.stages.check import damaged_tags, verify_store
    from par_core.stages.status import store_status
    from par_core.store.layout import Store

    opened = Store.open(store)
    report = verify_store(opened, thorough=thorough)
    report = replace(report, problems=tuple(map(shown, (*report.problems, *damaged_tags(opened)))))
    if as_json:
        _print_json(asdict(report))
    else:
        for problem in report.problems:
            print(f"problem: {problem}")
        counted = store_status(opened).accounting
        print(counted, counted.people_sentence, sep="\n")
        print(
            f"{number_of(report.shards, 'shard')} and {number_of(report.rows, 'row')} compared:"
            f" {f'{len(report.problems)} problems' if report.problems else 'all is well'}"
        )
    raise typer.Exit(1 if report.problems else 0)


def rebuild(store: StoreOption, config: ConfigOption = None) -> None:
    """Rebuild the ledger and the LanceDB index from the Parquet files alone. Searches read the old index
    until the new one is whole.

    Example:
    ```
    par rebuild --store store
    ```
    """
    from par_core.stages.commit import rebuild_index
    from par_core.stages.status import store_status
    from par_core.store.layout import Store

    opened = Store.open(store)
    with opened.exclusive():
        record, lost = rebuild_index(opened)
    print(f"{number_of(record.rows, 'person')} in the index, version {record.version}")
    if lost is not None:
        print(
            f"version {lost} was live and could not be read any more: searches read the new one, which has"
            f" passed no gate; check it with: par gate --store {opened.place}"
        )
    live = store_status(opened).live_version
    if live is not None and live != record.version:
        print(
            f"searches still read version {live}, which is live; let them read the new one with: par gate"
            f" --store {opened.place}"
        )


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False, default=str))
