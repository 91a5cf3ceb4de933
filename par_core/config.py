"""The settings of a run: frozen, validated, digested.

Three kinds are kept apart. *Settings that take a model to answer again* are part of the digests in every
output path, so that two configurations never mix. *Settings that only relabel or refuse* (``ArchiveConfig``,
``min_height_px``, ``thumbnails``) are recorded in manifests. *Machine settings* (runner, workers, device) do
not change the answer and are no part of any digest.

Sources, strongest first: command line, environment (``PAR_SEGMENT__MIN_SCORE=0.6``), a TOML file. Unknown
keys fail. An empty variable of the environment counts as not set.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from par_core.errors import BadConfigError
from par_core.ids import digest_of

__all__ = [
    "AccessConfig",
    "ArchiveConfig",
    "ClipConfig",
    "CutoutConfig",
    "DescribeConfig",
    "MachineConfig",
    "MetricsConfig",
    "RunConfig",
    "SegmentConfig",
    "SourcesConfig",
    "config_of",
    "load_config",
    "near_settings",
    "setting_names",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def digest(self) -> str:
        """Sixteen hexadecimal digits that change when any setting does."""
        return digest_of(self.model_dump_json())


class ArchiveConfig(_Frozen):
    """Limits on the files that are read from an archive."""

    max_pixels: Annotated[int, Field(ge=1)] = 200_000_000
    """Images with more pixels (width times height) get the status ``too_large`` before they are decoded."""
    max_bytes: Annotated[int, Field(ge=1)] = 512 * 2**20
    """Files and archive members with more (uncompressed) bytes get the status ``too_large`` before they are
    read.
    """


class SourcesConfig(_Frozen):
    """Settings of what is listed. Never part of a digest."""

    containers: bool = False
    """Whether the zip and tar files in a folder, under a URL or in a list of paths are read like those that
    are named as sources; else they are passed over, and counted.
    """


class SegmentConfig(_Frozen):
    """Settings of the segmentation: which detections count as people."""

    min_score: Annotated[float | None, Field(ge=0, le=1)] = None
    """Lowest score of a person; None takes the threshold chosen for the model on validation data."""
    min_side: Annotated[int | None, Field(ge=64, le=4096)] = None
    """Images are resized so that their shorter side has this many pixels; None takes the model's own."""
    min_height_px: Annotated[int, Field(ge=1)] = 32
    """People less high than this, in pixels of the original image, get the status ``too_small``."""


class CutoutConfig(_Frozen):
    """Settings of the cut-out of a person."""

    background: Literal["eliminate", "blur", "keep"] = "eliminate"
    margin: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Margin on each side, as a share of the box's height or width."""
    dilate: Annotated[float, Field(ge=0, le=0.5)] = 0.03
    """The mask is widened by this share of the box's height, so that carried things stay in it."""


class DescribeConfig(_Frozen):
    """Settings of the description of people."""

    cutout: CutoutConfig = CutoutConfig()
    thumbnails: bool = False
    """Keep small JPEGs of the people in Parquet, so that results can be shown when the archive cannot be
    reached.
    """


class ClipConfig(_Frozen):
    """Models of the ``clip`` profile; their files are looked for in ``weights_dir``."""

    segmenter: Literal["resnet50-fpn", "resnet50-fpn-v2"] = "resnet50-fpn"
    model: str = "ViT-B-16"
    """Name of an open_clip architecture; some need the package transformers, which PAR does not install."""
    pretrained: str = "openai"
    """Name of its weights in open_clip, such as ``laion2b_s34b_b88k``; decides the file's name, the
    activation and the preprocessing. A name of your own takes the preprocessing that all published weights
    of the architecture share.
    """
    attributes: Literal["zero-shot", "vit-b-32"] = "zero-shot"
    """Attributes by contrasting prompts, or by a ViT-B/32 that was fine-tuned with PAR's recipe."""
    random_seed: Annotated[int | None, Field(ge=0)] = None
    """Random weights instead of files: for benchmarks and tests, where only the architecture matters."""


class MachineConfig(_Frozen):
    """Settings of the machine. Never part of a digest."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    runtime: Literal["auto", "torch", "openvino"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "int8"] = "auto"
    """``auto`` takes bf16 where the processor has it, it is faster, and the results stay within PAR's
    tolerance. ``int8``, on OpenVINO and processors with AVX512-VNNI, computes layers of the compact segmenter
    with 8 bits; ``auto`` never takes it.
    """
    runner: Literal["auto", "threads", "dask"] = "auto"
    scheduler: str | None = None
    """Address of an existing Dask scheduler, such as ``tcp://10.0.0.5:8786``."""
    patience_s: Annotated[float, Field(gt=0)] = 120.0
    """Seconds that a run waits for a scheduler that does not answer, while no worker can take its tasks, or
    for an object store by which it and its workers exchange work, before it gives up.
    """
    commit_every_s: Annotated[float, Field(gt=0)] = 300.0
    """Seconds between two commits while a run works on its shards: people can be found from then on."""
    dashboard: bool = False
    """Serve the pages of a local run's Dask cluster on 127.0.0.1: every account of the machine can read task
    names and paths there.
    """
    workers: Annotated[int, Field(ge=1)] | None = None
    """Worker processes (or threads) of a local run; None: one a core."""
    threads_per_worker: Annotated[int, Field(ge=1)] = 1
    shard_size: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Images a shard at most: the unit of work, of retry and of resumption."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Images (or people) that a model sees in one call; None: as measured on this machine."""
    cuda_memory_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of a GPU's memory that one process may take; None: all. Less where others use the GPU too."""


class AccessConfig(_Frozen):
    """Settings of the audit log. Never part of a digest."""

    audit_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    """Least number of days for which the audit log is kept; months that end before are deleted."""


class MetricsConfig(_Frozen):
    """Settings of the metrics of index runs. Never part of a digest."""

    file: Path | None = None
    """File (``.prom``) that a run replaces with its metrics, for node_exporter's textfile collector."""
    push: str | None = None
    """Address of a Pushgateway that gets them too, such as ``http://10.0.0.9:9091``."""
    every_s: Annotated[float, Field(gt=0)] = 15.0
    """Seconds between two writings while a run works on its shards."""


class RunConfig(_Frozen):
    """All settings of a run."""

    profile: Literal["compact", "clip", "fake"] = "compact"
    weights_dir: Path | None = None
    """Folder with the weights of the ``clip`` profile."""
    store: Path | None = None
    """Folder of the store for commands without ``--store``."""
    clip: ClipConfig = ClipConfig()
    sources: SourcesConfig = SourcesConfig()
    archive: ArchiveConfig = ArchiveConfig()
    segment: SegmentConfig = SegmentConfig()
    describe: DescribeConfig = DescribeConfig()
    machine: MachineConfig = MachineConfig()
    access: AccessConfig = AccessConfig()
    metrics: MetricsConfig = MetricsConfig()


def load_config(file: Path | None = None, **overrides: Any) -> RunConfig:
    """Merge file, environment and overrides into one validated configuration.

    Args:
        file: A TOML file with the keys of RunConfig, or None.
        overrides: Command-line values by (nested) key; None means that an option is not used.

    Raises:
        BadConfigError: A file is missing, a key is unknown, or a value is out of its range; names the first
            five.
    """
    if file is not None and not file.is_file():
        raise BadConfigError(f"no configuration file at {file}")

    class Sources(BaseSettings, RunConfig):
        model_config = SettingsConfigDict(
            frozen=True, extra="forbid", env_prefix="PAR_", env_nested_delimiter="__", env_ignore_empty=True
        )

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            sources = (init_settings, env_settings)
            if file is None:
                return sources
            return (*sources, TomlConfigSettingsSource(settings_cls, toml_file=file))

    try:
        merged = Sources(**_without_none(overrides))
    except ValidationError as error:
        wrong = [
            _explained(
                ".".join(map(str, problem["loc"])),
                problem["type"],
                f"{problem['msg']} (got {problem.get('input')!r})",
            )
            for problem in error.errors()[:5]
        ]
        raise BadConfigError("; ".join(wrong)) from error
    except (ValueError, OSError) as error:
        raise BadConfigError(f"{file}: {error}") from error
    config = RunConfig.model_validate(merged.model_dump())
    if config.store is not None:
        config = config.model_copy(update={"store": config.store.expanduser()})
    if config.weights_dir is None:
        return config
    # workers are started elsewhere
    return config.model_copy(update={"weights_dir": config.weights_dir.expanduser().absolute()})


def config_of(settings: Mapping[str, Any]) -> RunConfig:
    """Return the configuration of a ``RunConfig.model_dump(mode="json")``; this process's environment has no
    effect on it.

    Raises:
        BadConfigError: A key or value is wrong.
    """
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise BadConfigError(f"not a configuration of PAR: {error}") from error


def _explained(name: str, kind: str, message: str) -> str:
    """Return a message about a wrong setting; for an unknown one, with the nearest known name."""
    if kind != "extra_forbidden":
        return f"{name}: {message}"
    near = near_settings(name)
    return f"no setting {name}; " + (
        f"did you mean {near[0]}?" if near else f"there are: {', '.join(RunConfig.model_fields)}"
    )


def near_settings(name: str) -> list[str]:
    """Return the setting that was likely meant by a name that is none, or nothing: the only one that begins
    with it, else the one that is spelt most alike.
    """
    names = setting_names(RunConfig)
    longer = [each for each in names if each.startswith(name)]
    return longer if len(longer) == 1 else difflib.get_close_matches(name, names, n=1)


def setting_names(model: type[BaseModel]) -> list[str]:
    """Return the names of all settings, each with the names of the tables that it is in."""
    names = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names += [f"{name}.{inner_name}" for inner_name in setting_names(inner)]
        else:
            names.append(name)
    return names


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    kept = {key: _without_none(value) if isinstance(value, dict) else value for key, value in values.items()}
    return {key: value for key, value in kept.items() if value is not None and value != {}}
