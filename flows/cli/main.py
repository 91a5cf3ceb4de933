"""The command line: arguments become a configuration and one call; errors become one line and an exit code.

Exit codes: 0 done; 1 done, with failed items (``par verify``: problems; ``par gate``: not passed); 2 bad
settings; 3 failed; 130 stopped by Ctrl-C. Heavy libraries are imported inside the commands, so that ``par
--help`` is quick.
"""

import atexit
import contextlib
import errno
import gc
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from flows.cli.analyse import analyse
from flows.cli.audit import audit
from flows.cli.config import config
from flows.cli.datasets import datasets
from flows.cli.deployments import deployments
from flows.cli.evaluate import evaluate
from flows.cli.export import export
from flows.cli.forget import forget
from flows.cli.gate import gate
from flows.cli.generate import generate
from flows.cli.groups import with_groups
from flows.cli.index import index
from flows.cli.leakage import leakage
from flows.cli.models import models
from flows.cli.old_spellings import with_new_spellings
from flows.cli.plan import plan
from flows.cli.report import report
from flows.cli.review import review
from flows.cli.search import describe, search
from flows.cli.searches import searches
from flows.cli.serve import serve
from flows.cli.shell import shell
from flows.cli.store import rebuild, status, verify
from flows.cli.tag import tag
from flows.cli.tokens import audit_log, tokens
from flows.cli.train import train
from flows.cli.watch import watch
from flows.console.lines import as_json_lines, say
from par_core.errors import BadConfigError, ParError
from par_core.models.torch_extra import LIBRARIES, needs_torch
from par_core.object_store.places import close_copies
from par_core.version import __version__

__all__ = ["app", "main"]

# new objects after which Python looks for garbage: with 700, the default, looking again and again through
# what imports leave took 0.2 of 1.5 CPU seconds
_MANY_OBJECTS: Final = 50_000
_WATCH_S: Final = "2"
_STOPPED: Final = 130  # by Ctrl-C
# errors that the administrator of the machine can fix, not bugs of PAR
_OUT_OF_REACH: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)


class _Command(TyperCommand):
    """A command whose help gives no type to options that take no value, and whose ``--watch`` may stand
    without one.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "watch" in {parameter.name for parameter in self.params}:
            args = _with_seconds(args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        return _without_flag_types(super().get_params(ctx))


class _Group(TyperGroup):
    """The same for a group of commands, which also accepts the spellings of the release before."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        spelled = args if ctx.parent else with_new_spellings(args, quiet=ctx.resilient_parsing)
        return super().parse_args(ctx, spelled)

    def get_params(self, ctx: Any) -> list[Any]:
        return _without_flag_types(super().get_params(ctx))


def _with_seconds(args: list[str]) -> list[str]:
    """Arguments in which ``--watch`` without a number has one."""
    given = []
    for n, arg in enumerate(args):
        given.append(arg)
        if arg == "--watch" and not any(map(_is_number, args[n + 1 : n + 2])):
            given.append(_WATCH_S)
    return given


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _without_flag_types(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_bool_flag and parameter.metavar is None:
            parameter.metavar = ""  # typer shows <bool>
    return parameters


app = typer.Typer(
    name="par",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Make very large image archives searchable by what the people in them look like.",
    epilog=(
        "Start with: **par index photos/ --store store** and then **par search 'a woman in a red coat'"
        " --store store**"
    ),
)

_COMMANDS: Final[dict[str, tuple[Callable[..., None], ...]]] = {
    "Fill a store": (index, watch, plan),
    "Search": (search, shell, describe, serve, review, export),
    "Look after a store": (status, verify, rebuild, gate, forget, audit_log),
    "Models and data sets": (analyse, audit, leakage, evaluate),
}
_GROUPS: Final[dict[str, dict[str, typer.Typer]]] = {
    "Fill a store": {},
    "Search": {"searches": searches, "tag": tag},
    "Look after a store": {"tokens": tokens, "deployments": deployments, "config": config},
    "Models and data sets": {
        "report": report,
        "datasets": datasets,
        "models": models,
        "generate": generate,
        "train": train,
    },
}
for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(cls=_Command, rich_help_panel=_panel)(with_groups(_command))
    for _name, _group in _GROUPS[_panel].items():
        for _member in _group.registered_commands:
            _member.cls = _Command
        app.add_typer(_group, name=_name, cls=_Group, rich_help_panel=_panel)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        print(f"par {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(_MANY_OBJECTS)
    atexit.register(gc.freeze)  # at its end Python looks for garbage once more, in everything
    # no child process that runs Python imports from the current folder
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        try:
            code = app(standalone_mode=False)
        except BaseException:
            with contextlib.suppress(ParError):
                close_copies()
            raise
        close_copies()
        sys.stdout.flush()
    except ParError as error:
        _fail(str(error), 2 if isinstance(error, BadConfigError) else 3)
    except typer.TyperException as error:
        if not error.format_message():  # no command was typed, and the help has been printed
            sys.exit(2)
        _fail(_misused(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", _STOPPED)
    except (BrokenPipeError, SystemExit) as end:
        # Typer turns a BrokenPipeError into an exit with 1
        if not isinstance(end, BrokenPipeError) and not isinstance(end.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader of the output, such as head, has enough
        sys.exit(0)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LIBRARIES:
            _report_unexpected(error)
        _fail(needs_torch("this"), 2)
    except OSError as error:
        if error.errno not in _OUT_OF_REACH:
            _report_unexpected(error)
        _fail(f"{error.filename or 'a file'}: {error.strerror}", 3)
    except Exception as error:  # noqa: BLE001 - the last stop before the user
        _report_unexpected(error)
    sys.exit(code if isinstance(code, int) else 0)  # the code of typer.Exit


def _misused(error: typer.TyperException) -> str:
    """A wrong command, argument or option, in one line."""
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split()).removesuffix(".")
    return f"{message}; see {context.command_path} --help" if context else message


def _report_unexpected(error: Exception) -> NoReturn:
    if "--verbose" in sys.argv or "-v" in sys.argv or os.environ.get("PAR_DEBUG"):
        import traceback

        if as_json_lines():
            trace = "".join(traceback.format_exception(error))
            say("a traceback", event="traceback", level="error", traceback=trace)
        else:
            traceback.print_exception(error)
    _fail(f"unexpected {type(error).__name__}: {error} (set PAR_DEBUG=1 for the traceback)", 3)


def _fail(message: str, code: int) -> NoReturn:
    event = "stopped" if code == _STOPPED else "failed"
    say(f"par: {message}", event=event, level="error", exit_code=code)
    sys.exit(code)


if __name__ == "__main__":
    main()
