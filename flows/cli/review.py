"""``par hunt``: find rare people by judging batches, and learn how many are left."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.groups import MachineOptions, ModelOptions
from flows.cli.options import SHOWN, JsonOption, StoreOption
from par_core.errors import BadConfigError

__all__ = ["hunt"]


def hunt(
    store: StoreOption,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Whom you hunt: what they look like, in plain words.")] = None,
    where: Annotated[str | None, typer.Option("--where", metavar="FILTER", help="Only people for whom this holds take part; see par search.")] = None,
    resume: Annotated[str | None, typer.Option("--resume", metavar="NAME", help="Go on with this hunt.")] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Of a new hunt; by default made from the text.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, max=500, metavar="N", help="People a batch.")] = 12,
    listed: Annotated[bool, typer.Option("--list", help="Say which hunts there are, and stop.")] = False,
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="Read answers from a file, one line a batch, as they would be typed; then stop.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Where the pictures of a batch go; default: hunts/NAME.html in the store.", rich_help_panel=SHOWN),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of the people who are drawn at random.")] = 0,
    version: Annotated[str, typer.Option("--version", metavar="VERSION", help="Of the index: live, latest, or a number.")] = "live",
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
    as_json: JsonOption = False,
) -> None:
    r"""Hunt for people who are rare: judge batch after batch; PAR learns from every answer, and tells how many are left.

    Open the sheet it names in a browser, and type the numbers of those who fit. Everything is kept after every line; stop with q and go on with --resume.
    With --json: takes the answers of --answers, if any, and prints the hunt with the batch that is open.

    Examples:
    ```
    par hunt "a person with a gas mask" --store store
    par hunt --resume a-person-with-a-gas-mask --store store
    par hunt "a hat" --store store --where "captured_at >= 2026-11-01" \
        --batch 24
    par hunt --resume a-hat --store store --answers answers.txt --json
    ```
    """
    from flows.console.review_session import HELP, estimate_line, hunt_lines, hunt_object, judge, sheet_of, strata_lines
    from par_core.access import Access, Caller, question_text
    from par_core.query.from_store import Searcher
    from par_core.review.session import Batch, Hunt

    settings = models.load(machine)
    searcher = Searcher(store, settings, version)
    if listed:
        print(*hunt_lines(searcher.store), sep="\n")
        return
    if (text is None) == (resume is None):
        raise BadConfigError('say what to hunt (par hunt "a hat") or which hunt to go on with (--resume NAME); see --list')
    if resume is not None and (where is not None or name is not None):
        raise BadConfigError("a hunt keeps its filter and its name; leave --where and --name out with --resume")
    lines = None if answers is None else _file_lines(answers)
    access = Access.open(store, settings.access.audit_days)
    with access.recording(
        Caller.local(), "hunt", resume or question_text(text, None, where), unrecorded=lambda message: print(f"par: {message}", file=sys.stderr)
    ):
        session = Hunt.resume(searcher, resume) if resume is not None else Hunt.start(searcher, text or "", where=where, name=name, seed=seed)
    for warning in session.warnings:
        print(f"par: warning: {warning}", file=sys.stderr)
    page = sheet or searcher.store.root / "hunts" / f"{session.record.name}.html"

    def show(waiting: Batch) -> None:
        sheet_of(session, searcher, page, waiting)
        print(f"\nbatch {waiting.number}: {len(waiting.hits)} people in {page}\n{HELP}")

    if as_json:
        judge(session, lines or iter(()), batch, lambda _: None, lambda _: None, strict=True)
        print(json.dumps(hunt_object(session, session.batch(batch)), indent=2, ensure_ascii=False))
        return
    try:
        done = judge(session, lines or _typed_lines(), batch, show if lines is None else lambda _: None, print, strict=lines is not None)
    finally:
        if sheet is None:  # pictures of people stay in the archive
            page.unlink(missing_ok=True)
    told = session.estimate()
    print(*strata_lines(told), estimate_line(told), sep="\n")
    print("everybody was asked about" if done else f"go on with: par hunt --resume {session.record.name} --store {store}")


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
