"""The command line: arguments become a configuration and one call; errors become one line and an exit code.

Exit codes: 0 done; 1 done, with failed items (``par verify``: something is off; ``par gate``: not passed); 2 bad settings; 3 failed; 130 stopped by Ctrl-C.
Heavy libraries are imported inside the commands, so that ``par --help`` is quick.
"""

import errno
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from flows.cli_analyse import analyse
from flows.cli_audit import audit
from flows.cli_datasets import datasets
from flows.cli_evaluate import evaluate
from flows.cli_export import export
from flows.cli_forget import forget
from flows.cli_gate import gate
from flows.cli_hunt import hunt
from flows.cli_leakage import leakage
from flows.cli_models import models
from flows.cli_report import report
from flows.cli_search import describe, search
from flows.cli_serve import serve
from flows.cli_tokens import audit_log, tokens
from flows.cli_train import train
from flows.options import (
    MACHINE,
    MODELS,
    SHOWN,
    ConfigOption,
    DeviceOption,
    JsonOption,
    ProfileOption,
    RuntimeOption,
    StoreOption,
    VerboseOption,
    WeightsOption,
)
from par_core import __version__
from par_core.config import load_config
from par_core.errors import BadConfigError, ParError

__all__ = ["app", "main"]

_OUT_OF_REACH: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)  # for whoever runs the machine to mend, not in PAR

app = typer.Typer(
    name="par",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Make very large image archives searchable by what the people in them look like.",
    epilog="Start with: **par index photos/ --store store** and then **par search 'a woman in a red coat' --store store**",
)

app.command()(analyse)
app.command()(audit)
app.command("audit-log")(audit_log)
app.command()(evaluate)
app.command()(export)
app.command()(forget)
app.command()(gate)
app.command()(hunt)
app.command()(leakage)
app.command()(serve)
app.add_typer(datasets, name="datasets")
app.add_typer(models, name="models")
app.add_typer(report, name="report")
app.add_typer(tokens, name="tokens")
app.add_typer(train, name="train")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        print(f"par {__version__}")
        raise typer.Exit


@app.command()
def index(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Folders, .zip, .tar(.gz), .txt lists of paths, pictures, or URLs such as s3://bucket/prefix.")
    ],
    store: StoreOption,
    golden: Annotated[
        Path | None, typer.Option("--golden", metavar="FILE", help="Then let searches read the new version only if it passes; see par gate.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Also take up files that failed before.")] = False,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    weights_dir: WeightsOption = None,
    min_score: Annotated[float | None, typer.Option(help="Lowest score of a person, 0 to 1.", rich_help_panel=MODELS)] = None,
    min_height: Annotated[int | None, typer.Option(help="People less high, in pixels, are kept but not described.", rich_help_panel=MODELS)] = None,
    background: Annotated[str | None, typer.Option(help="eliminate, blur or keep.", rich_help_panel=MODELS)] = None,
    margin: Annotated[float | None, typer.Option(help="Around the person, as a share of the box.", rich_help_panel=MODELS)] = None,
    dilate: Annotated[float | None, typer.Option(help="The mask is widened by this share of the box's height.", rich_help_panel=MODELS)] = None,
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="Keep small JPEGs of the people in Parquet.", rich_help_panel=MODELS)] = False,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", help="Worker processes; default: one a core.", rich_help_panel=MACHINE)] = None,
    runner: Annotated[str | None, typer.Option(help="auto, threads or dask.", rich_help_panel=MACHINE)] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="An existing Dask scheduler, tcp://host:8786.", rich_help_panel=MACHINE)] = None,
    shard_size: Annotated[int | None, typer.Option(help="Images a shard at most.", rich_help_panel=MACHINE)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images that a model sees in one call.", rich_help_panel=MACHINE)] = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel=SHOWN)] = False,
    verbose: VerboseOption = False,
) -> None:
    r"""Make archives searchable: find the people in them, describe them, store everything.

    Run the same command again to continue a stopped run, or to take up what is new, changed or gone.

    Examples:
    ```
    par index photos/ --store store
    par index night.zip cameras.tar.gz s3://archive/2026 --store store \
        --workers 8
    par index photos/ --store store --retry-failed
    par index photos/ --store store --golden golden.yaml
    ```
    """
    settings = load_config(
        config,
        profile=profile,
        weights_dir=weights_dir,
        segment={"min_score": min_score, "min_height_px": min_height},
        describe={"cutout": {"background": background, "margin": margin, "dilate": dilate}, "thumbnails": thumbnails or None},
        machine={
            "workers": workers,
            "runner": runner,
            "scheduler": scheduler,
            "shard_size": shard_size,
            "batch_size": batch_size,
            "runtime": runtime,
            "device": device,
        },
    )
    from flows.index import run_index

    _stop_cleanly_on_interrupt()
    report = run_index(sources, store, settings, golden=golden, retry_failed=retry_failed, quiet=quiet or as_json, verbose=verbose)
    if as_json:
        _print_json(report.as_json())
    raise typer.Exit(report.exit_code)


@app.command()
def status(
    store: StoreOption,
    failed: Annotated[bool, typer.Option("--failed", help="List the failed files with their reasons.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what a store holds, which version of its index searches read, and what became of every file.

    Examples:
    ```
    par status --store store
    par status --store store --failed
    ```
    """
    from flows.showing import failed_files, printable, status_lines, status_object
    from par_core.gate.run import last_gate
    from par_core.stages.check import store_status
    from par_core.store.layout import Store

    opened = Store.open(store)
    report, gated = store_status(opened), last_gate(opened)
    if as_json:
        _print_json(status_object(report, gated) | ({"failed_files": failed_files(opened, report)} if failed else {}))
        return
    print(*status_lines(report, gated), sep="\n")
    if failed:
        for row in failed_files(opened, report):
            print(f"{row['status']}\t{printable(row['uri'])}\t{printable(row['message'])}")


@app.command()
def verify(store: StoreOption, as_json: JsonOption = False) -> None:
    """Read everything again and compare: checksums, the conservation equation, every row of the index. Exit code 1 if anything is off.

    Example:
    ```
    par verify --store store
    ```
    """
    from dataclasses import asdict

    from par_core.stages.check import verify_store
    from par_core.store.layout import Store

    report = verify_store(Store.open(store))
    if as_json:
        _print_json(asdict(report))
    else:
        for problem in report.problems:
            print(f"problem: {problem}")
        print(f"{report.shards} shards and {report.rows} rows compared: {f'{len(report.problems)} problems' if report.problems else 'all is well'}")
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def rebuild(store: StoreOption) -> None:
    """Make the LanceDB index again from Parquet alone.

    Example:
    ```
    par rebuild --store store
    ```
    """
    from par_core.stages.check import store_status
    from par_core.stages.commit import rebuild_index
    from par_core.store.layout import Store

    opened = Store.open(store)
    with opened.exclusive():
        record, lost = rebuild_index(opened)
    print(f"{record.rows} people in the index, version {record.version}")
    if lost is not None:
        print(f"version {lost} was live and cannot be read any more: searches read the newest; make that live with: par gate --store {store}")
    live = store_status(opened).live_version
    if live is not None:
        print(f"searches still read version {live}, which is live; let them read the new one with: par gate --store {store}")


app.command()(search)
app.command()(describe)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except ParError as error:
        _fail(str(error), 2 if isinstance(error, BadConfigError) else 3)
    except typer.TyperException as error:
        _fail(_misused(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", 130)
    except (BrokenPipeError, SystemExit) as end:
        if not isinstance(end, BrokenPipeError) and not isinstance(end.__context__, BrokenPipeError):  # Typer turns one into an exit with 1
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read our output, such as head, has enough
        sys.exit(0)
    except OSError as error:
        if error.errno not in _OUT_OF_REACH:
            _report_unexpected(error)
        _fail(f"{error.filename or 'a file'}: {error.strerror}", 3)
    except Exception as error:  # noqa: BLE001 - the last stop before the user
        _report_unexpected(error)
    sys.exit(code if isinstance(code, int) else 0)  # what typer.Exit was raised with


def _misused(error: typer.TyperException) -> str:
    """A wrong command, argument or option, in one line."""
    context = getattr(error, "ctx", None)
    told = " ".join(error.format_message().split()).removesuffix(".")
    return f"{told}; see {context.command_path} --help" if context else told


def _report_unexpected(error: Exception) -> NoReturn:
    if "--verbose" in sys.argv or "-v" in sys.argv or os.environ.get("PAR_DEBUG"):
        import traceback

        traceback.print_exception(error)
    _fail(f"unexpected {type(error).__name__}: {error} (set PAR_DEBUG=1 for the traceback)", 3)


def _fail(message: str, code: int) -> NoReturn:
    _tell(message)
    sys.exit(code)


def _tell(message: str) -> None:
    print(f"par: {message}", file=sys.stderr, flush=True)


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def _stop_cleanly_on_interrupt() -> None:
    """On Ctrl-C or SIGTERM: end at once. Whatever is finished is on disk, whatever is not does not count, so nothing needs to be tidied up."""

    def stop(signum: int, _: object) -> NoReturn:
        import multiprocessing

        for child in multiprocessing.active_children():  # Dask workers; our Prefect server follows this process by itself
            child.kill()
        _tell("stopped; finished shards are kept. Run the same command again to continue.")
        os._exit(130 if signum == signal.SIGINT else 143)

    handler: Callable[[int, Any], NoReturn] = stop
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, handler)


if __name__ == "__main__":
    main()
