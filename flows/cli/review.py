"""``par review``: find rare people by judging batches, and learn how many are left."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.groups import MachineOptions, ModelOptions
from flows.cli.options import SHOWN, JsonOption, StoreOption
from par_core.errors import BadConfigError

__all__ = ["review"]


def review(
    store: StoreOption,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="Whom you review: what they look like, in plain words."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where", metavar="FILTER", help="Only people for whom this holds take part; see par search."
        ),
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="NAME", help="Go on with this review.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of a new review; by default made from the text."),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, max=500, metavar="N", help="People a batch.")] = 12,
    listed: Annotated[bool, typer.Option("--list", help="Say which reviews there are, and stop.")] = False,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE",
            help="Read answers from a file, one line a batch, as they would be typed; then stop.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FILE",
            help="Where the pictures of a batch go; default: reviews/NAME.html in the store.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Of the people who are drawn at random.")
    ] = 0,
    version: Annotated[
        str, typer.Option("--version", metavar="VERSION", help="Of the index: live, latest, or a number.")
    ] = "live",
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
    as_json: JsonOption = False,
) -> None:
    r"""Review for people who are rare: judge batch after batch; PAR learns from every answer, and tells how
    many are left.

    Open the sheet it names in a browser, and type the numbers of those who fit. Everything is kept after
    every line; stop with q and go on with --resume. With --json: takes the answers of --answers, if any, and
    prints the review with the batch that is open.

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
            'say what to review (par review "a hat") or which review to go on with (--resume NAME); see'
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
        unrecorded=lambda message: print(f"par: {message}", file=sys.stderr),
    ):
        session = (
            Review.resume(searcher, resume)
            if resume is not None
            else Review.start(searcher, text or "", where=where, name=name, seed=seed)
        )
    for warning in session.warnings:
        print(f"par: warning: {warning}", file=sys.stderr)
    page = sheet or searcher.store.reviews_path / f"{session.record.name}.html"

    def show(waiting: Batch) -> None:
        sheet_of(session, searcher, page, waiting)
        print(f"\nbatch {waiting.number}: {len(waiting.hits)} people in {page}\n{HELP}")

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
    told = session.estimate()
    print(*strata_lines(told), estimate_line(told), sep="\n")
    print(
        "everybody was asked about"
        if done
        else f"go on with: par review --resume {session.record.name} --store {store}"
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
