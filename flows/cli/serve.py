"""``par serve``: a web page and an API for one store."""

import os
import sys
from typing import Annotated

import typer

from flows.cli.groups import MachineOptions, ModelOptions
from flows.cli.options import MACHINE, LogFormatOption, StoreOption
from flows.console.lines import as_json_lines, say
from par_core.errors import BadConfigError

__all__ = ["serve"]


def serve(
    store: StoreOption,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="HOST",
            help="Address to listen on; other machines can reach every address but localhost.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")
    ] = 8000,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    per_minute: Annotated[
        int,
        typer.Option(
            "--per-minute",
            min=1,
            metavar="N",
            help="Requests per minute from one client.",
            rich_help_panel=MACHINE,
        ),
    ] = 1_200,
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds", min=0.1, metavar="S", help="Time limit of a request.", rich_help_panel=MACHINE
        ),
    ] = 20.0,
    searches: Annotated[
        int,
        typer.Option(
            "--searches",
            min=1,
            metavar="N",
            help="Searches that run at the same time.",
            rich_help_panel=MACHINE,
        ),
    ] = 4,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            min=1,
            metavar="N",
            help="Processes that answer searches when several come at once; by default one a core.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    log_format: LogFormatOption = "plain",
    models: ModelOptions = ModelOptions(),
    machine: MachineOptions = MachineOptions(),
) -> None:
    """Serve a store: a web page for people, an API for programs (/api/openapi.json). Ctrl-C stops the server.

    The server opens to other machines only after the first token was made, with par tokens add. An index run
    may go on meanwhile; searches find its people as soon as they are committed.

    Examples:
    ```
    par serve --store store --open
    par tokens add anna --role search --store store
    par serve --store store --host 0.0.0.0 --port 8080
    ```
    """
    # before numpy is loaded: searches have threads of their own, and those of OpenBLAS spin while they wait
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    settings = models.load(machine)
    from flows.following import following
    from flows.pools import n_cores
    from par_core.serve.address import announced, local_address
    from par_core.serve.app import create_app
    from par_core.serve.server import address_of, bind, is_local, make_server
    from par_core.serve.service import ArchiveService
    from par_core.serve.settings import ServeSettings

    service = ArchiveService(store, settings)
    limits = ServeSettings(
        requests_per_minute=per_minute,
        seconds=seconds,
        searches=searches,
        processes=processes or n_cores(),
    )
    app = create_app(service, limits)
    if not is_local(host) and app.state.app_state.open_to_all:
        raise BadConfigError(
            f"{host} can be reached from other machines, and no token is needed yet; make one with: par"
            f" tokens add NAME --role search --store {store}"
        )
    with (
        bind(host, port) as listening,
        announced(store, local_address(listening, host)) as unsaid,
        following(service.store),
    ):
        service.warm()
        if unsaid:
            say(f"par: note: par search --server auto does not find this server: {unsaid}")
        address = address_of(listening, host)
        line = f"PAR answers on {address} (Ctrl-C stops it)"
        say(line, None if as_json_lines() else sys.stdout, event="start", address=address)
        if open_:
            import webbrowser

            webbrowser.open(address)
        server = make_server(app)
        server.run(sockets=[listening])
        if server.started and server.should_exit:  # now and then Ctrl-C does not come through asyncio
            raise KeyboardInterrupt
