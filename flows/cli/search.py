"""``par search`` and ``par describe``: search a store, and describe the people of one picture."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.answers import LocalAnswers, server_answers, unfit_for_a_server
from flows.cli.groups import MachineOptions, ModelOptions
from flows.cli.options import (
    NAME_A_STORE,
    SHOWN,
    JsonOption,
    PicturesOption,
    SearchedStoreOption,
    ServerOption,
)
from flows.console.asking import Answers, Asked
from par_core.errors import BadConfigError

__all__ = ["describe", "search"]


def _completed(incomplete: str) -> list[str]:
    from par_core.query.word_hints import completions

    return list(completions(incomplete))


def search(
    store: SearchedStoreOption,
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            help="What the person looks like, in plain words.",
            autocompletion=_completed,
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option("--image", metavar="FILE", help="People like the largest person in this picture."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where", metavar="FILTER", help="Only people who match this filter; see the examples."
        ),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", min=1, max=10_000, metavar="N", help="Largest number of hits.")
    ] = 20,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a contact sheet into this file, to open in a browser.",
            rich_help_panel=SHOWN,
        ),
    ] = None,
    version: Annotated[
        str,
        typer.Option(
            "--version",
            metavar="VERSION",
            help=(
                "Version of the index: live (the last that passed par gate, else the newest), latest, or a"
                " number."
            ),
        ),
    ] = "live",
    include_missing: Annotated[
        bool, typer.Option("--include-missing", help="Also people whose file was deleted or replaced.")
    ] = False,
    include_low_confidence: Annotated[
        bool,
        typer.Option(
            "--include-low-confidence",
            help="Also people who are unlikely to fit the question: the nearest ones.",
        ),
    ] = False,
    no_grouping: Annotated[
        bool,
        typer.Option(
            "--no-grouping",
            help="Show each hit by itself, also hits of one image and of near-duplicate pictures.",
        ),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show for each hit the probability of each part of the question, and how much it lowers the"
            " score.",
        ),
    ] = False,
    pictures: PicturesOption = None,
    server: ServerOption = None,
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
    as_json: JsonOption = False,
) -> None:
    r"""Search for people by words, attributes, fields and pictures, joined by AND, OR and NOT; best hits
    first. docs/search.md describes the whole query language.

    Examples:
    ```
    par search "a woman in a red coat with a bag" --store store --html hits.html
    par search 'man AND NOT hat "protective suit" since:2026-11-01' \
        --store store --explain
    par search --image someone.jpg "a red jacket" --store store
    par search "a man" --store store --server auto --no-pictures
    par search "a man" --store store \
        --where "bag > 0.5 and upper_color in ('black', 'blue')"
    par search --store store \
        --where "hat and captured_at >= 2026-11-01 and uri like '%gate-3%'"
    ```
    """
    from flows.console.answer import pictures_wanted, say_notes, show_answer
    from flows.console.lines import say

    if as_json and pictures:
        raise BadConfigError("--pictures stand among lines; give it without --json")
    question = Asked(text, image, where, top, include_missing, include_low_confidence, no_grouping)
    unfit = "" if server is None else unfit_for_a_server(question, version, html=html is not None)
    answers: Answers | None = None
    if server is not None and not unfit:
        answers, said = server_answers(server, store or Path(), os.environ.get("PAR_TOKEN") or None)
        say(f"par: note: {said}")
    elif server is not None:
        say(f"par: note: no server was used: {unfit}")
    local = None
    if answers is None:
        if store is None:
            raise BadConfigError(f"a server cannot answer this: {unfit}; {NAME_A_STORE}")
        answers = local = LocalAnswers(store, models.load(machine), version)
    terminal = None if as_json else pictures_wanted(pictures)
    notes = answers.notes(text) if text is not None else ()
    say_notes("note", notes)
    answer = answers.ask(question)
    if html is not None and local is not None:
        local.save_gallery(html, answer, shlex.join(["par", *sys.argv[1:]]))
    say_notes("warning", answer.warnings[len(notes) :])
    if as_json:
        print(json.dumps(answers.as_json(answer), indent=2, ensure_ascii=False, default=str))
    else:
        show_answer(answers, answer, terminal, explain=explain)
    if html is not None:
        say(f"par: contact sheet: {html}")


def describe(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture.")],
    prompts: Annotated[
        list[str],
        typer.Option(
            "--prompts", "-p", metavar="TEXT", help="A description to compare with; may be repeated."
        ),
    ],
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
    as_json: JsonOption = False,
) -> None:
    """Rank descriptions for each person in one picture (paper, figures 6 and 7).

    Example:
    ```
    par describe photo.jpg -p "a woman" -p "a man" -p "a person with a hat"
    ```
    """
    from flows.console.lines import say
    from flows.console.results import description_lines
    from par_core.models.profiles import load_describer, load_segmenter, load_text_encoder
    from par_core.query.from_store import read_picture
    from par_core.query.one_picture import people_of, rank_prompts

    settings = models.load(machine)
    people = people_of(
        read_picture(image, settings), load_segmenter(settings), load_describer(settings), settings
    )
    encoder = load_text_encoder(settings)
    ranked = [rank_prompts(person.vector, prompts, encoder) for person in people]
    for word in dict.fromkeys(word for prompt in prompts for word in encoder.unknown_words(prompt)):
        say(
            f"par: warning: the compact text model never saw {word!r} in training; use --profile clip for"
            " free words"
        )
    if as_json:
        described = [
            {
                "box": list(p.box),
                "score": p.score,
                "attributes": p.attributes,
                "prompts": [{"text": t, "probability": q} for t, q in r],
            }
            for p, r in zip(people, ranked, strict=True)
        ]
        print(
            json.dumps({"image": str(image), "people": described}, indent=2, ensure_ascii=False, default=str)
        )
    else:
        print(*description_lines(people, ranked), sep="\n")
