"""Groups of options: declared once as a dataclass, accepted by a command as one parameter."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from flows.cli.options import (
    ConfigOption,
    DetectorOption,
    DeviceOption,
    DownloadsOption,
    EngineOption,
    HeightsOption,
    LogFormatOption,
    ProfileOption,
    PythonOption,
    RuntimeOption,
    SchedulerOption,
    VerboseOption,
    WeightsOption,
    WorkersOption,
)

if TYPE_CHECKING:
    from par_core.config import RunConfig

__all__ = ["FaceOptions", "MachineOptions", "ModelOptions", "WorkerOptions", "with_groups"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineOptions:
    """Options of runtime and device."""

    runtime: RuntimeOption = None
    device: DeviceOption = None

    def settings(self) -> dict[str, Any]:
        """Return these keys of ``MachineConfig``, with None for an option that was not given."""
        return {"runtime": self.runtime, "device": self.device}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions(MachineOptions):
    """Options of runtime, device and workers."""

    workers: WorkersOption = None
    scheduler: SchedulerOption = None
    log_format: LogFormatOption = "plain"
    verbose: VerboseOption = False

    def settings(self) -> dict[str, Any]:
        """Return these keys of ``MachineConfig``, with None for an option that was not given."""
        return {
            "runtime": self.runtime,
            "device": self.device,
            "workers": self.workers,
            "scheduler": self.scheduler,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceOptions:
    """Options of the engine that reads faces."""

    engine: EngineOption = None
    detector: DetectorOption = None
    python: PythonOption = None
    allow_downloads: DownloadsOption = False
    heights: HeightsOption = None

    def given(self) -> list[str]:
        """Return the options that were given."""
        return [f"--{option.name.replace('_', '-')}" for option in fields(self) if getattr(self, option.name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Options of the models, and the file of settings."""

    profile: ProfileOption = None
    config: ConfigOption = None
    weights_dir: WeightsOption = None

    def load(self, options: MachineOptions, /, **overrides: Any) -> "RunConfig":
        """Load the configuration from these options, the environment and the file.

        Args:
            options: Options of the machine.
            overrides: Further settings by key; a mapping ``machine`` is merged with the options.

        Raises:
            BadConfigError: A setting is wrong.
        """
        more: Mapping[str, Any] = overrides.pop("machine", {})
        settings = {
            "profile": self.profile,
            "weights_dir": self.weights_dir,
            "machine": {**options.settings(), **more},
        }
        from par_core.config import load_config

        return load_config(self.config, **settings, **overrides)


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the dataclasses among the parameters of a command into one option for each field, for typer.

    Args:
        command: Function whose parameters are options, arguments, and dataclasses of options.

    Returns:
        Function of plain parameters that fills the dataclasses and calls the command.
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        group = parameter.annotation
        if not is_dataclass(group):
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[parameter.name] = group
        hints = get_type_hints(group, include_extras=True)
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters += [
            inspect.Parameter(option.name, kind, default=option.default, annotation=hints[option.name])
            for option in fields(group)
        ]

    def call(**values: Any) -> None:
        filled = {
            name: group(**{option.name: values.pop(option.name) for option in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **filled)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call
