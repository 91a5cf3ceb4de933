"""``par forget``: erase a source, an image or a person from a store, and prove it."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import SHOWN, ConfigOption, JsonOption, StoreOption
from par_core.errors import BadConfigError
from par_core.object_store.places import shown
from par_core.plurals import number_of

if TYPE_CHECKING:
    from par_core.forget import ForgetReport, Request, Subject
    from par_core.store.layout import Store

__all__ = ["forget"]


def forget(
    store: StoreOption,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source", metavar="URI", help="A file, or a folder, archive or bucket with all its files."
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option("--image", metavar="ID", help="An image, with all its copies."),
    ] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(
            "--person", metavar="ID", help="One person of an image. All three options may be repeated."
        ),
    ] = None,
    made: Annotated[
        list[Path] | None,
        typer.Option(
            "--made",
            metavar="DIR",
            help="Also erase the copies in a folder of par generate; may be repeated.",
        ),
    ] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Only finish an interrupted erasure.")] = False,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Rewrite the whole index and search everything, instead of what the erasure concerns.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be erased.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask for confirmation.", rich_help_panel=SHOWN)
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a source, an image or a person for good: rows, vectors, every older version of the index; and put
    it on the suppression list, so that the next par index does not bring it back.

    Only the shards and the parts of the index that hold something of it are rewritten. Afterwards every byte
    that was rewritten is searched for its traces, as are listings, reviews and logs; with --thorough, every
    byte of the store. An erasure certificate without personal data is written. The same command finishes a
    killed erasure. Exit code 0 if nothing is left, 1 if something is. Pictures that par generate has made
    from the erased go where --made names their folder. Backups, other copies and the archive itself are yours
    to erase.

    Examples:
    ```
    par forget --person 0f..9c --person 51..7e --store store --dry-run
    par forget --image 77..1e --store store --yes
    par forget --source photos/2019 --store store
    ```
    """
    from par_core.access import Access, Caller
    from par_core.config import load_config
    from par_core.forget import Request, find_subject, finish_forgetting
    from par_core.forget import forget as erase
    from par_core.forget.made_copies import forget_copies, require_made
    from par_core.store.layout import Store

    require_made(made or ())
    opened = Store.open(store)
    request = (
        None
        if finish and not (source or image or person)
        else Request.of(source or (), image or (), person or ())
    )
    access, caller = Access.open(store, load_config(config).access.audit_days), Caller.local()
    with opened.exclusive():
        opened.fetch_all()
        if opened.forgetting_path.exists():
            if dry_run:
                raise BadConfigError(
                    "a forgetting was interrupted; first finish it with: par forget --finish --store"
                    f" {opened.place}"
                )
            _say("finishing what was interrupted")
            done = finish_forgetting(opened, _say, thorough=thorough)
            assert done is not None
            access.record(
                caller,
                "forget",
                f"{done.request.kind}, certificate {done.certificate.stem}",
                status="ok" if done.exit_code == 0 else "something is left",
            )
            _erase_former(opened)
            for folder in made or ():
                _say(f"{forget_copies(opened, folder)} made people erased from {folder}")
            if request is None or request == done.request or done.exit_code:
                _conclude(done, as_json=as_json)
        if request is None:
            print("nothing was interrupted")
            return
        subject = find_subject(opened, request, thorough=thorough)
        if dry_run:
            _show(request, subject, as_json=as_json)
            return
        if not yes and not _confirmed(f"Erase {_amount(subject)} from {opened.place} for good?"):
            raise BadConfigError("not confirmed; nothing was erased. Where nobody can be asked, say --yes")
        report = erase(opened, subject, _say)
        access.record(
            caller,
            "forget",
            f"{request.kind}, certificate {report.certificate.stem}",
            status="ok" if report.exit_code == 0 else "something is left",
        )
        _erase_former(opened)
        for folder in made or ():
            _say(f"{forget_copies(opened, folder)} made people erased from {folder}")
    _conclude(report, as_json=as_json)


def _erase_former(store: "Store") -> None:
    done = store.erase_former()
    if done is not None:
        _say(done)


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        print(file=sys.stderr)
        return False


def _show(request: "Request", subject: "Subject", *, as_json: bool) -> None:
    if as_json:
        content = {
            "kind": request.kind,
            "files": sorted({*subject.uris, *subject.traces.uris, *subject.traces.uris_by_value}),
        }
        print(
            json.dumps(
                content | {"images": sorted(subject.image_ids), "people": sorted(subject.person_ids)},
                indent=2,
            )
        )
        return
    print(f"would erase {_amount(subject)}; nothing was erased")
    names = sorted({*subject.uris, *subject.traces.uris, *subject.traces.uris_by_value})
    for line in [*names[:10], *([f"and {len(names) - 10} more"] if len(names) > 10 else [])]:
        print(line)


def _amount(subject: "Subject") -> str:
    files = len({*subject.uris, *subject.traces.uris, *subject.traces.uris_by_value})
    counts = (
        (files, "file", "files"),
        (len(subject.image_ids), "image", "images"),
        (len(subject.person_ids), "person", "people"),
    )
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)


def _conclude(report: "ForgetReport", *, as_json: bool) -> None:
    if as_json:
        content = {
            "certificate": str(report.certificate),
            "searched": asdict(report.proof),
            "before": report.before,
            "after": report.after,
        }
        print(
            json.dumps(content | {"live_moved": report.live_moved, "exit_code": report.exit_code}, indent=2)
        )
        raise typer.Exit(report.exit_code)
    for name, count in report.before.items():
        if count != report.after[name]:
            print(f"{name.replace('_', ' ')}: {count}, now {report.after[name]}")
    proof = report.proof
    searched = "everything" if proof.scope == "everything" else "what was rewritten"
    print(
        f"searched {searched}: {number_of(proof.files, 'file')}, {proof.bytes / 1e6:.1f} MB, for"
        f" {number_of(proof.strings, 'id')},"
        " names and vectors: ",
        end="",
    )
    print(
        "nothing is left"
        if not proof.found_in
        else f"something is left in {len(proof.found_in)} of them; run the same command again"
    )
    for name in proof.found_in[:5]:
        print(f"  {json.dumps(name)[1:-1]}")
    if report.live_moved:
        print(
            "searches now read the newest version of the index, as the live one held the erased; check it"
            " with: par gate"
        )
    print(
        "not searched: backups and copies of the store, exports, the archive itself; restart running servers"
    )
    print(shown(f"certificate: {report.certificate}"))
    raise typer.Exit(report.exit_code)


def _say(step: str) -> None:
    print(f"par: {step}", file=sys.stderr, flush=True)
