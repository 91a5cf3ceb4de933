"""``par tokens``: access control of ``par serve``; and ``par audit-log``: the record of all accesses."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.old_spellings import note
from flows.cli.options import ConfigOption, JsonOption, StoreOption
from par_core.errors import BadConfigError

if TYPE_CHECKING:
    from par_core.access import Event, Token

__all__ = ["audit_log", "tokens"]

tokens = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Tokens for par serve: add, list, revoke. Kept in the store, as digests.",
)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the person or program; the audit log shows it.")
]


@tokens.command()
def add(
    name: NameArgument,
    store: StoreOption,
    role: Annotated[
        str,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="metrics (of the server, nothing of the archive), search, reviewer (also reviews) or admin.",
        ),
    ] = "search",
    expires: Annotated[
        int | None,
        typer.Option("--expires-days", metavar="N", help="Refuse the token after N days; default: never."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make a token and print it, this once. Standard output holds only the token.

    Examples:
    ```
    par tokens add anna --role reviewer --store store --expires-days 90
    par tokens add gate-3 --store store > gate-3.token
    ```
    """
    from par_core.access import Access, Caller, Role
    from par_core.config import load_config

    access = Access.open(store, load_config(config).access.audit_days)
    if role == "judge":
        note("the role judge", "reviewer")
    secret = access.tokens.add(name, Role.named(role), expires)
    access.record(Caller.local(), "add_token", f"{name}, {role}")
    print(secret)
    typer.echo("par: the token is shown once; everybody who has it is let in as " + name, err=True)


@tokens.command("list")
def list_tokens(store: StoreOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the tokens that are not revoked, with name, role, date of creation and date of expiry.

    Example:
    ```
    par tokens list --store store
    ```
    """
    from par_core.access import Access

    valid = Access.open(store).tokens.all()
    if as_json:
        print(
            json.dumps(
                [{key: value for key, value in asdict(token).items() if key != "sha256"} for token in valid],
                indent=2,
            )
        )
        return
    for token in valid:
        print(f"{token.name}\t{token.role}\tmade {token.created_at}\t{_end(token)}")
    if not valid:
        print("No tokens.")


@tokens.command()
def revoke(name: NameArgument, store: StoreOption, config: ConfigOption = None) -> None:
    """Revoke a token; running servers refuse it from the next request on.

    Example:
    ```
    par tokens revoke anna --store store
    ```
    """
    from par_core.access import Access, Caller
    from par_core.config import load_config

    access = Access.open(store, load_config(config).access.audit_days)
    access.tokens.revoke(name)
    access.record(Caller.local(), "revoke_token", name)
    print(f"{name} is not let in any more")


def audit_log(
    store: StoreOption,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="ISO date or time, in UTC unless it has a time zone."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the audit log: who asked what, when, by which way and from where, and how many people were found.

    Examples:
    ```
    par audit-log --store store --since 2026-11-01
    par audit-log --store store --json
    ```
    """
    from par_core.access import Access

    events = Access.open(store).log.read(_moment(since) if since is not None else None)
    if as_json:
        print(json.dumps([asdict(event) for event in events], indent=2))
        return
    for event in events:
        print(_line(event))


def _line(event: "Event") -> str:
    """One line; the question is quoted with its control characters escaped, as it goes to a terminal."""
    count = "-" if event.count is None else str(event.count)
    return "\t".join(
        [
            event.at,
            *map(_plain, (event.who, event.how, event.source, event.action)),
            count,
            _plain(event.status),
            json.dumps(event.what),
        ]
    )


def _plain(text: str) -> str:
    return json.dumps(text)[1:-1] or "-"


def _end(token: "Token") -> str:
    if token.expires_at is None:
        return "never expires"
    return f"{'expired' if token.expired(datetime.now(UTC)) else 'expires'} {token.expires_at}"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadConfigError(
            f"--since {text!r}: expected a date or time such as 2026-11-01 or 2026-11-01T18:30"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
