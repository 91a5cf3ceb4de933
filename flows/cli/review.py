"""``par review``: active search with a recall estimate."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.groups import MachineOptions, ModelOptions
from flows.cli.options import SHOWN, JsonOption, LogFormatOption, StoreOption
from flows.console.lines import say
from par_core.errors import BadConfigError
from par_core.plurals import number_of

__all__ = ["review"]


def review(
    store: StoreOption,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="The people to search for: what they look like, in plain words."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where", metavar="FILTER", help="Review only people who match this filter; see par search."
        ),
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="NAME", help="Continue this review.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of a new review; default: made from the text."),
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", min=1, max=500, metavar="N", help="Number of people in a batch.")
    ] = 12,
    listed: Annotated[bool, typer.Option("--list", help="List the reviews of the store, and stop.")] = False,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="Read answers from a file, one line for each batch, as they would be typed; then stop.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FILE",
            help="File for the contact sheet of a batch; default: reviews/NAME.html in the store.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Random seed of the people drawn by chance.")
    ] = 0,
    version: Annotated[
        str,
        typer.Option("--version", metavar="VERSION", help="Version of the index: live, latest, or a number."),
    ] = "live",
    log_format: LogFormatOption = "plain",
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
    as_json: JsonOption = False,
) -> None:
    r"""Search for rare people by active search with a recall estimate: you judge batch after batch, PAR
    learns from every answer and estimates how many people who fit are left.

    Open the contact sheet that the command names in a browser, and type the numbers of the people who fit.
    Every answer is kept at once; stop with q and continue with --resume. With --json the command reads the
    answers of --answers, if any, and prints the review with its open batch.

    Examples:
    ```
    par review "a person with a gas mask" --store store
    par review --resume a-person-with-a-gas-mask --store store
    par review "a hat" --store store --where "captured_at >= 2026-11-01" \
        --batch 24
    par review --resume a-hat --store store --answers answers.txt --json
    ```
    """
    from flows.console.review_session import (
        HELP,
        annotate,
        estimate_line,
        review_lines,
        review_object,
        sheet_of,
        strata_lines,
    )
    from par_core.access import Access, Caller, question_text
    from par_core.query.from_store import Searcher
    from par_core.review.session import Batch, Review

    settings = models.load(machine)
    searcher = Searcher(store, settings, version)
    if listed:
        print(*review_lines(searcher.store), sep="\n")
        return
    if (text is None) == (resume is None):
        raise BadConfigError(
            'say what to search for (par review "a hat") or which review to continue (--resume NAME); see'
            " --list"
        )
    if resume is not None and (where is not None or name is not None):
        raise BadConfigError(
            "a review keeps its filter and its name; leave --where and --name out with --resume"
        )
    lines = None if answers is None else _file_lines(answers)
    access = Access.open(store, settings.access.audit_days)
    with access.recording(
        Caller.local(),
        "review",
        resume or question_text(text, None, where),
        unrecorded=lambda message: say(f"par: {message}"),
    ):
        session = (
            Review.resume(searcher, resume)
            if resume is not None
            else Review.start(searcher, text or "", where=where, name=name, seed=seed)
        )
    for warning in session.warnings:
        say(f"par: warning: {warning}")
    page = sheet or searcher.store.reviews_path / f"{session.record.name}.html"

    def show(waiting: Batch) -> None:
        sheet_of(session, searcher, page, waiting)
        print(f"\nbatch {waiting.number}: {number_of(len(waiting.hits), 'person')} in {page}\n{HELP}")

    if as_json:
        annotate(session, lines or iter(()), batch, lambda _: None, lambda _: None, strict=True)
        print(json.dumps(review_object(session, session.batch(batch)), indent=2, ensure_ascii=False))
        return
    try:
        done = annotate(
            session,
            lines or _typed_lines(),
            batch,
            show if lines is None else lambda _: None,
            print,
            strict=lines is not None,
        )
    finally:
        if sheet is None:  # pictures of people stay in the archive
            page.unlink(missing_ok=True)
    estimate = session.estimate()
    print(*strata_lines(estimate), estimate_line(estimate), sep="\n")
    print(
        "everybody was asked about"
        if done
        else f"continue with: par review --resume {session.record.name} --store {store}"
    )


def _file_lines(path: Path) -> Iterator[str]:
    try:
        return iter(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfigError(f"{path} cannot be read as text: {error}") from error


def _typed_lines() -> Iterator[str]:
    while True:
        print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        yield line
