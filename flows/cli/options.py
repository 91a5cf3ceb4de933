"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from flows.console.lines import use_log_format
from par_core.errors import BadConfigError
from par_core.store_folder import store_folder

__all__ = [
    "FACES",
    "MACHINE",
    "MODELS",
    "NAME_A_STORE",
    "SHOWN",
    "ConfigOption",
    "ContainersOption",
    "DetectorOption",
    "DeviceOption",
    "DownloadsOption",
    "EngineOption",
    "HeightsOption",
    "JsonOption",
    "LogFormatOption",
    "MetricsOption",
    "NewStoreOption",
    "PicturesOption",
    "ProfileOption",
    "PythonOption",
    "RuntimeOption",
    "SchedulerOption",
    "SearchedStoreOption",
    "ServerOption",
    "StoreOption",
    "VerboseOption",
    "WeightsOption",
    "WorkersOption",
    "existing_store",
    "numbers",
]

MODELS: Final = "Models and settings"
FACES: Final = "Faces"
MACHINE: Final = "Where the work is done"
SHOWN: Final = "What is shown"
# which hold the store (Store.exclusive); of one on an object store they have a working copy of their own
_WRITING_COMMANDS: Final = ("index", "rebuild", "gate", "forget")

NAME_A_STORE: Final = 'give --store DIR, set PAR_STORE=DIR, or write store = "DIR" into the file of --config'


def existing_store(option: Path | None, config: Path | None, *, writing: bool = False) -> Path:
    """Return the folder of the store by ``--store``, else ``PAR_STORE``, else the file of settings; the store
    is checked without heavy imports. Of a store on an object store it is the working copy, brought in line.

    Raises:
        BadConfigError: None of them names a store, or the folder holds no store.
        StoreError: The store has another format version.
    """
    from par_core.store.layout import Store

    store = _named_store(option, config, writing=writing)
    Store.open(store)
    return store


def _named_store(option: Path | None, config: Path | None, *, writing: bool) -> Path:
    if option is not None and config is None:
        return store_folder(option.expanduser(), writing=writing)
    from par_core.config import load_config

    store = load_config(config, store=option).store
    if store is None:
        raise BadConfigError(f"no store is named: {NAME_A_STORE}")
    return store_folder(store, writing=writing)


def _store_to_read(context: typer.Context, option: Path | None) -> Path:
    return existing_store(
        option, context.params.get("config"), writing=context.info_name in _WRITING_COMMANDS
    )


def _store_or_server(context: typer.Context, option: Path | None) -> Path | None:
    """Return the store to read; None where a server at a given address answers instead."""
    server = context.params.get("server")
    if option is None and server and server != "auto":
        return None
    return existing_store(option, context.params.get("config"))


def _store_to_write(context: typer.Context, option: Path | None) -> Path:
    writing = context.info_name in _WRITING_COMMANDS
    return _named_store(option, context.params.get("config"), writing=writing)


def _log_format(name: str) -> str:
    use_log_format(name)  # before other options are read, as these may be wrong
    return name


_STORE_HELP: Final = "Folder of the store, or s3://BUCKET/PREFIX; default: PAR_STORE, else store of --config."
StoreOption = Annotated[
    Path,
    typer.Option(
        "--store",
        metavar="DIR",
        help=_STORE_HELP,
        default_factory=lambda: None,
        show_default=False,
        callback=_store_to_read,
    ),
]
SearchedStoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help=_STORE_HELP,
        default_factory=lambda: None,
        show_default=False,
        callback=_store_or_server,
    ),
]
ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help=(
            "Ask a running par serve, which is quicker: its address, or auto for the one of this store, if"
            " any. A token: PAR_TOKEN."
        ),
        envvar="PAR_SERVER",
        show_envvar=False,
        is_eager=True,
        rich_help_panel=MACHINE,
    ),
]
PicturesOption = Annotated[
    bool | None,
    typer.Option(
        "--pictures/--no-pictures",
        help="Draw small pictures; default: in a terminal with colours, unless NO_COLOR is set.",
        show_default=False,
        rich_help_panel=SHOWN,
    ),
]
NewStoreOption = Annotated[
    Path,
    typer.Option(
        "--store",
        metavar="DIR",
        help=_STORE_HELP,
        default_factory=lambda: None,
        show_default=False,
        callback=_store_to_write,
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Models: compact (default, shipped) or clip (local weights).",
        rich_help_panel=MODELS,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML file with settings; options here override it.",
        is_eager=True,
        rich_help_panel=MODELS,
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights-dir",
        metavar="DIR",
        help="Folder with the weights of the clip profile.",
        rich_help_panel=MODELS,
    ),
]
RuntimeOption = Annotated[
    str | None,
    typer.Option("--runtime", metavar="NAME", help="auto, torch or openvino.", rich_help_panel=MACHINE),
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.", rich_help_panel=MACHINE)
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Worker processes; default: one for each core.",
        rich_help_panel=MACHINE,
    ),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="An existing Dask scheduler, such as tcp://10.0.0.5:8786.",
        rich_help_panel=MACHINE,
    ),
]
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="Reads the faces: face-api (default; weights by par models fetch face-api) or deepface.",
        rich_help_panel=FACES,
    ),
]
DetectorOption = Annotated[
    str | None,
    typer.Option(
        "--detector",
        metavar="NAME",
        help="face-api: short-range (default) or ssd; deepface: opencv (default) or another of its own.",
        rich_help_panel=FACES,
    ),
]
PythonOption = Annotated[
    Path | None,
    typer.Option(
        "--python",
        metavar="FILE",
        help="For deepface: bin/python of an environment that has the package.",
        rich_help_panel=FACES,
    ),
]
DownloadsOption = Annotated[
    bool,
    typer.Option(
        "--allow-downloads",
        help="For deepface: let it download missing weights, about 1 GB.",
        rich_help_panel=FACES,
    ),
]
HeightsOption = Annotated[
    list[int] | None,
    typer.Option(
        "--heights",
        min=8,
        metavar="PX",
        help="Also shrink everybody who is higher to this height and read again; several may be given.",
        rich_help_panel=FACES,
    ),
]
ContainersOption = Annotated[
    bool,
    typer.Option(
        "--containers",
        help="Also read the zip and tar files in folders, under URLs and in lists of paths.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output.", rich_help_panel=SHOWN)
]
LogFormatOption = Annotated[
    str,
    typer.Option(
        "--log-format",
        metavar="NAME",
        help="plain, or json: one object a line on standard error.",
        rich_help_panel=SHOWN,
        is_eager=True,
        callback=_log_format,
    ),
]
MetricsOption = Annotated[
    Path | None,
    typer.Option(
        "--metrics",
        metavar="FILE",
        help="Keep metrics of the run in a .prom file, for node_exporter's textfile collector.",
        rich_help_panel=SHOWN,
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Show the output of Prefect and workers, and tracebacks.",
        rich_help_panel=SHOWN,
    ),
]


def numbers(text: str) -> list[int]:
    """Return the numbers of an option ``--seeds``.

    Raises:
        BadConfigError: It holds something else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise BadConfigError(
            f"--seeds wants whole numbers with commas between them, such as 0,1,2, got {text!r}"
        )
    return [int(part) for part in parts]
