"""``par tag``: tags and notes that reviewers give to people of a store."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import ConfigOption, JsonOption, StoreOption
from par_core.plurals import number_of

if TYPE_CHECKING:
    from par_core.tags.change import TagChange
    from par_core.tags.record import TaggedPerson

__all__ = ["tag"]

tag = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Tags and notes of people: add, remove, note, list. Searches know them: tag:check.",
)

TagArgument = Annotated[
    str,
    typer.Argument(
        metavar="TAG", help="A short name: letters, digits, blanks and -_. , 40 at most; case is ignored."
    ),
]
People = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Ids of people, as par search --json prints them; - reads them."),
]


@tag.command()
def add(
    name: TagArgument,
    store: StoreOption,
    people: People = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a tag to people, at most 1,000 at once. With - in place of ids, they are read from standard input,
    one a line, such as those that jq takes out of the answer of par search --json.

    Examples:
    ```
    par tag add check 1eba3ecb27aa3da0f6df4c4231b98568 --store store
    par tag add hats - --store store
    ```
    """
    from par_core.tags.change import TagChange

    _change(store, config, people, TagChange.of([name]), as_json=as_json)


@tag.command()
def remove(
    name: TagArgument,
    store: StoreOption,
    people: People = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a tag from people. People without it stay as they are.

    Example:
    ```
    par tag remove check 1eba3ecb27aa3da0f6df4c4231b98568 --store store
    ```
    """
    from par_core.tags.change import TagChange

    _change(store, config, people, TagChange.of((), [name]), as_json=as_json)


@tag.command()
def note(
    person: Annotated[str, typer.Argument(metavar="ID", help="Id of a person.")],
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The note, 2,000 characters at most; empty removes it.")
    ],
    store: StoreOption,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the note on a person, in place of the one before.

    Example:
    ```
    par tag note 1eba3ecb27aa3da0f6df4c4231b98568 "a ladder" --store store
    ```
    """
    from par_core.tags.change import TagChange

    _change(store, config, [person], TagChange.of((), (), text), as_json=as_json)


@tag.command("list")
def list_tags(
    store: StoreOption,
    name: Annotated[
        str | None, typer.Argument(metavar="TAG", help="Only people with this tag; default: all tags.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the tags with their numbers of people; of one tag, its people. `--json` prints everybody with tags
    and notes. People whom the index does not hold any more are marked.

    Examples:
    ```
    par tag list --store store
    par tag list check --store store
    par tag list --json --store store
    ```
    """
    from par_core.config import load_config
    from par_core.query.from_store import Searcher
    from par_core.tags.names import tag_name
    from par_core.tags.of_index import tags_of

    tags = tags_of(Searcher(store, load_config(config)).index())
    wanted = None if name is None else tag_name(name)
    people = [
        (one, person, one is not None)
        for one, person in (*tags.people.items(), *((None, stray) for stray in tags.stray))
        if wanted is None or wanted in person.names
    ]
    if as_json:
        content = [
            asdict(person) | {"person_id": one or person.person_id, "indexed": indexed}
            for one, person, indexed in people
        ]
        print(json.dumps(content, indent=2, ensure_ascii=False))
        return
    if wanted is not None:
        for one, person, indexed in people:
            said = [] if person.note is None else [json.dumps(person.note.text, ensure_ascii=True)]
            print("\t".join([one or person.person_id, *said, *([] if indexed else ["not in the index"])]))
        if not people:
            print(f"Nobody has the tag {wanted}.", file=sys.stderr)
        return
    for each, number in tags.counts().items():
        print(f"{each}\t{number:,}")
    if tags.stray:
        print(
            f"{len(tags.stray):,} more people have tags or a note and are not in the index", file=sys.stderr
        )
    if not any(person.names for _, person, _ in people):
        print("No tags.")


def _change(
    store: Path, config: Path | None, people: Sequence[str] | None, change: "TagChange", *, as_json: bool
) -> None:
    from par_core.access import Access, Caller
    from par_core.config import load_config
    from par_core.errors import BadConfigError
    from par_core.query.from_store import Searcher
    from par_core.tags.change import change_tags

    settings, caller = load_config(config), Caller.local()
    searcher = Searcher(store, settings)
    ids = list(people or ())
    if ids == ["-"]:
        ids = [line.strip() for line in sys.stdin if line.strip()]
    if not ids:
        raise BadConfigError("nobody is named; give ids of people, or - to read them")
    access = Access.open(store, settings.access.audit_days)
    what = f"{change.what}; {number_of(len(ids), 'person')}: {' '.join(ids[:100])}"
    with access.recording(caller, "tag", what, unrecorded=_warn) as event:
        tagged = change_tags(searcher.store, searcher.index, ids, change, caller.name)
        event.count = len(tagged)
    _show(tagged, as_json=as_json)


def _show(tagged: "Sequence[TaggedPerson]", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(person) for person in tagged], indent=2, ensure_ascii=False))
        return
    for person in tagged:
        print(f"{person.person_id}\t{', '.join(person.names) or 'no tags'}")


def _warn(message: str) -> None:
    print(f"par: {message}", file=sys.stderr)
