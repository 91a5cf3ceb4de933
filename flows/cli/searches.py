"""``par searches``: saved searches, which tell after each run of ``par index`` which people are new."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.groups import MachineOptions, ModelOptions, with_groups
from flows.cli.options import ConfigOption, JsonOption, StoreOption
from flows.console.lines import say
from flows.console.saved_searches import outcome_line
from par_core.plurals import number_of

if TYPE_CHECKING:
    from par_core.alerts.record import SavedSearch

__all__ = ["searches"]

searches = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Saved searches: add, list, show, remove, run. par index runs them after it has committed.",
)

NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of the saved search: lower-case letters, digits, hyphens."),
]


@searches.command()
@with_groups
def add(
    name: NameArgument,
    store: StoreOption,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The question, as for par search.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="FILTER", help="Only people who match this filter.")
    ] = None,
    include_low_confidence: Annotated[
        bool, typer.Option("--include-low-confidence", help="Also people who are unlikely to fit.")
    ] = False,
    webhook: Annotated[
        str | None,
        typer.Option(
            "--webhook", metavar="URL", help="Send what is new to this address (http or https) by POST."
        ),
    ] = None,
    secret_env: Annotated[
        str | None,
        typer.Option(
            "--secret-env",
            metavar="NAME",
            help="Environment variable with the secret that signs what is sent; the store never holds it.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json-file", metavar="FILE", help="Write what was new into this file after each run."),
    ] = None,
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
) -> None:
    r"""Save a search. Everybody whom it finds now counts as seen; later runs tell who is new.

    Examples:
    ```
    par searches add red-coats "a person in a red coat" --store store
    par searches add gate-3-hats "hat:yes source:gate-3" --store store \
        --webhook https://example.org/hook --secret-env PAR_HOOK_SECRET
    par searches add new-people --where "height_px > 200" --store store \
        --json-file new-people.json
    ```
    """
    from par_core.access import Access, Caller, question_text
    from par_core.alerts.record import SavedSearch
    from par_core.alerts.run import add_search
    from par_core.query.from_store import Searcher

    settings = models.load(machine)
    access, caller = Access.open(store, settings.access.audit_days), Caller.local()
    search = SavedSearch(
        name,
        text,
        where,
        include_low_confidence,
        caller.name,
        datetime.now(UTC).isoformat(timespec="seconds"),
        webhook=webhook,
        secret_env=secret_env,
        json_file=None if json_file is None else str(json_file.absolute()),
    )
    what = f"{name}: {question_text(text, None, where)}"
    with access.recording(caller, "add_saved_search", what, unrecorded=_warn) as event:
        saved = add_search(Searcher(store, settings), search)
        event.count = saved.found
    print(f"{name} is saved; it finds {number_of(saved.found, 'person', ',')} now, and will tell who is new")


@searches.command("list")
def list_searches(store: StoreOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the saved searches: name, question, people found last, news not sent yet, trouble.

    Example:
    ```
    par searches list --store store
    ```
    """
    from par_core.alerts.record import all_searches
    from par_core.store.layout import Store

    saved = all_searches(Store.open(store))
    if as_json:
        print(json.dumps([_shown(search) for search in saved], indent=2, ensure_ascii=False))
        return
    for search in saved:
        print(
            "\t".join(
                [
                    search.name,
                    json.dumps(search.text or ""),
                    json.dumps(search.where or ""),
                    f"{search.found:,} found",
                    f"last run {search.last_run}",
                    *([f"{len(search.pending)} not sent yet"] if search.pending else []),
                    *([f"trouble: {json.dumps(search.trouble)}"] if search.trouble else []),
                ]
            )
        )
    if not saved:
        print("No saved searches.")


@searches.command()
def show(name: NameArgument, store: StoreOption, config: ConfigOption = None) -> None:
    """Print a saved search as JSON, with the ids of the people of its news, newest last.

    Example:
    ```
    par searches show red-coats --store store
    ```
    """
    from par_core.alerts.record import load_search
    from par_core.store.layout import Store

    search = load_search(Store.open(store), name)
    print(
        json.dumps(
            _shown(search) | {"news": [asdict(one) for one in search.news]}, indent=2, ensure_ascii=False
        )
    )


@searches.command()
def remove(name: NameArgument, store: StoreOption, config: ConfigOption = None) -> None:
    """Delete a saved search and what it has found. People stay as they are.

    Example:
    ```
    par searches remove red-coats --store store
    ```
    """
    from par_core.access import Access, Caller
    from par_core.alerts.record import remove_search
    from par_core.config import load_config
    from par_core.store.layout import Store

    access = Access.open(store, load_config(config).access.audit_days)
    with access.recording(Caller.local(), "remove_saved_search", name, unrecorded=_warn):
        remove_search(Store.open(store), name)
    print(f"{name} is removed")


@searches.command()
@with_groups
def run(
    store: StoreOption,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Names of saved searches; default: all.")
    ] = None,
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
    as_json: JsonOption = False,
) -> None:
    """Run saved searches now, and send what could not be sent before. Ends with 1 if one has trouble.

    Examples:
    ```
    par searches run --store store
    par searches run red-coats --store store --json
    ```
    """
    from par_core.access import Access, Caller
    from par_core.alerts.run import run_searches
    from par_core.query.from_store import Searcher

    settings = models.load(machine)
    outcomes = []
    access = Access.open(store, settings.access.audit_days)
    what = ", ".join(names or ()) or "all"
    with access.recording(Caller.local(), "run_saved_searches", what, unrecorded=_warn) as event:
        for outcome in run_searches(Searcher(store, settings), names or None):
            outcomes.append(outcome)
            if not as_json:
                print(outcome_line(outcome))
        event.count = sum(outcome.new for outcome in outcomes)
    if as_json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=2, ensure_ascii=False))
    elif not outcomes:
        print("No saved searches.")
    if any(outcome.trouble for outcome in outcomes):
        raise typer.Exit(1)


def _shown(search: "SavedSearch") -> dict[str, Any]:
    """Return a search as JSON types, without what it has seen; of an address only the host is shown."""
    from par_core.alerts.deliver import host_of

    content = asdict(replace(search, seen=(), images=(), news=()))
    for name in ("seen", "images", "news", "segment_config"):
        del content[name]
    content["webhook"] = None if search.webhook is None else host_of(search.webhook)
    return content | {"not_sent": len(search.pending)}


def _warn(message: str) -> None:
    say(f"par: {message}")
