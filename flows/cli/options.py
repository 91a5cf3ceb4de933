"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = [
    "MACHINE",
    "MODELS",
    "SHOWN",
    "ConfigOption",
    "DeviceOption",
    "JsonOption",
    "ProfileOption",
    "RuntimeOption",
    "SchedulerOption",
    "StoreOption",
    "VerboseOption",
    "WeightsOption",
    "WorkersOption",
]

MODELS: Final = "Models and settings"
MACHINE: Final = "Where the work is done"
SHOWN: Final = "What is shown"

StoreOption = Annotated[Path, typer.Option("--store", metavar="DIR", help="Folder of the store.")]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Models: compact (default, shipped) or clip (local weights).", rich_help_panel=MODELS)
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file with settings; options here override it.", rich_help_panel=MODELS)
]
WeightsOption = Annotated[
    Path | None, typer.Option("--weights-dir", metavar="DIR", help="Folder with the weights of the clip profile.", rich_help_panel=MODELS)
]
RuntimeOption = Annotated[str | None, typer.Option("--runtime", metavar="NAME", help="auto, torch or openvino.", rich_help_panel=MACHINE)]
DeviceOption = Annotated[str | None, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.", rich_help_panel=MACHINE)]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, metavar="N", help="Worker processes; default: one a core.", rich_help_panel=MACHINE)]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", metavar="ADDRESS", help="An existing Dask scheduler, such as tcp://10.0.0.5:8786.", rich_help_panel=MACHINE)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.", rich_help_panel=SHOWN)]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show what Prefect and workers print, and tracebacks.", rich_help_panel=SHOWN)]
