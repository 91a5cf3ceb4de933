"""The machine that carries out a task: settings that hold for it alone, and what it has.

A run sends its settings to every worker. Nodes differ: one GPU has less memory than another, or is shared
with other programs. What the environment of a worker sets with ``PAR_NODE__`` comes before the settings of
the run there: ``PAR_NODE__BATCH_SIZE=8 dask worker ...``. None of it is part of a digest, and none changes a
result.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.models.hardware import cuda_devices

__all__ = ["NODE_PREFIX", "NodeSettings", "node_has", "node_settings", "on_this_node"]

#: How the names of a node's variables begin.
NODE_PREFIX: Final = "PAR_NODE__"
_DRIVER: Final = Path("/proc/driver/nvidia/gpus")


class NodeSettings(BaseSettings):
    """Settings of ``machine`` that a node may set for itself; None keeps what the run says."""

    model_config = SettingsConfigDict(frozen=True, env_prefix=NODE_PREFIX, env_ignore_empty=True)

    batch_size: Annotated[int, Field(ge=1, le=4096)] | None = None
    threads_per_worker: Annotated[int, Field(ge=1)] | None = None
    device: Literal["auto", "cpu", "cuda"] | None = None
    cuda_memory_share: Annotated[float, Field(gt=0, le=1)] | None = None


def node_settings() -> dict[str, Any]:
    """Return the settings of ``machine`` that this node's environment sets, by name.

    Raises:
        BadConfigError: A variable that begins with ``PAR_NODE__`` has no such name, or a wrong value.
    """
    names = {f"{NODE_PREFIX}{name.upper()}" for name in NodeSettings.model_fields}
    unknown = sorted({name for name in os.environ if name.startswith(NODE_PREFIX)} - names)
    if unknown:
        raise BadConfigError(
            f"no setting of a node is named {unknown[0]}; there are: {', '.join(sorted(names))}"
        )
    try:
        settings = NodeSettings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = f"{NODE_PREFIX}{wrong['loc'][0]}".upper()
        raise BadConfigError(f"{name}: {wrong['msg']} (got {wrong['input']!r})") from error
    return settings.model_dump(exclude_none=True)


def on_this_node(config: RunConfig) -> RunConfig:
    """Return a run's configuration with the settings of this node's environment.

    Raises:
        BadConfigError: A variable that begins with ``PAR_NODE__`` has no such name, or a wrong value.
    """
    changed = node_settings()
    return (
        config.model_copy(update={"machine": config.machine.model_copy(update=changed)})
        if changed
        else config
    )


def node_has() -> str:
    """Return one phrase on the cores, memory and GPUs that this process may use; loads no library."""
    cores = len(os.sched_getaffinity(0))
    parts = [f"{cores} core{'s' if cores > 1 else ''}", f"{_memory_gb():.0f} GB"]
    if devices := _visible_devices():
        parts.append(
            " + ".join(f"{count} x {name}" if count > 1 else name for name, count in devices.items())
        )
    else:
        parts.append("no CUDA device")
    return ", ".join(parts)


def _memory_gb() -> float:
    """Physical memory in GB, or what the control group of this process may use if that is less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    said = limit.read_text().strip() if limit.exists() else ""
    return min(physical, int(said) if said.isdigit() else physical) / 1e9


def _visible_devices() -> dict[str, int]:
    """Number of CUDA devices by model, as the driver states it, within CUDA_VISIBLE_DEVICES."""
    names = [
        next(
            (
                line.split(":", 1)[1].strip()
                for line in file.read_text().splitlines()
                if line.startswith("Model:")
            ),
            "CUDA device",
        )
        for file in sorted(_DRIVER.glob("*/information"))
    ] or ["CUDA device"] * cuda_devices()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        chosen = [each.strip() for each in visible.split(",") if each.strip() not in ("", "-1")]
        # devices may also be named by UUID, and only CUDA knows their order
        same = len(set(names)) == 1
        names = names[: len(chosen)] if same else ["CUDA device"] * min(len(chosen), len(names))
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    return counted
