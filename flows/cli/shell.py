"""``par shell``: questions one after another; models and index are loaded once."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.answers import LocalAnswers, server_answers
from flows.cli.groups import MachineOptions, ModelOptions
from flows.cli.options import SHOWN, PicturesOption, SearchedStoreOption, ServerOption
from flows.console.asking import Answers

__all__ = ["shell"]


def shell(
    store: SearchedStoreOption,
    top: Annotated[
        int, typer.Option("--top", min=1, max=10_000, metavar="N", help="Largest number of hits.")
    ] = 20,
    where: Annotated[
        str | None, typer.Option("--where", metavar="FILTER", help="Only people who match this filter.")
    ] = None,
    pictures: PicturesOption = None,
    no_history: Annotated[
        bool,
        typer.Option(
            "--no-history",
            help="Do not keep the questions in ~/.local/state/par/history.",
            rich_help_panel=SHOWN,
        ),
    ] = False,
    server: ServerOption = None,
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
) -> None:
    """Ask questions one after another: models are loaded once, so that each answer comes at once. Tab
    completes words, the arrow keys bring back earlier questions, :help lists the commands, Ctrl-D ends it.
    Questions from a file or a pipe are printed before their answers; the exit code is 1 if any failed.

    Examples:
    ```
    par shell --store store
    par shell --store store --server auto --where "height_px > 100"
    par shell --server http://127.0.0.1:8000 --no-pictures
    ```
    """
    from flows.console.answer import pictures_wanted
    from flows.console.lines import say
    from flows.console.shell import Shown, answer_questions, history_path, with_history

    answers: Answers | None = None
    if server is not None:
        answers, said = server_answers(server, store or Path(), os.environ.get("PAR_TOKEN") or None)
        say(f"par: note: {said}")
    if answers is None:
        assert store is not None  # else a server at an address was named, and answers or has failed
        answers = local = LocalAnswers(store, models.load(machine))
        if sys.stdin.isatty():
            local.warm()
    drawing = None if pictures is False else pictures_wanted(pictures)
    if sys.stdin.isatty():
        print("Ask what a person looks like; :help lists the commands, Ctrl-D ends.")
    asks: Answers = answers
    with with_history(lambda text: list(asks.completions(text)), None if no_history else history_path()):
        well = answer_questions(answers, Shown(top, where, terminal=drawing), drawing)
    if not well and not sys.stdin.isatty():
        raise typer.Exit(1)
