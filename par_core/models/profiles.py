"""Profiles: which model plays which role. The only place that turns a name into a model.

    role        compact                        clip                                    fake
    segmenter   Mask R-CNN, light backbone     Mask R-CNN R50-FPN (torchvision)        coloured areas
    describer   one small ViT, one pass        CLIP ViT-B/16 (open_clip), ViT-B/32     mean colours
    text        small text tower (open_clip)   CLIP ViT-B/16's text tower              colour names

Models load once per process and are shared by its threads. Heavy libraries are imported only when a model is asked for.
"""

import importlib.util
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from par_core.config import RunConfig
from par_core.errors import WeightsError
from par_core.ids import digest_of
from par_core.models.base import PersonDescriber, PersonSegmenter, TextEncoder
from par_core.models.fake import FakeDescriber, FakeSegmenter, FakeTextEncoder
from par_core.models.hardware import cpu_computes_bf16, has_cuda_device

if TYPE_CHECKING:
    from torch import nn

    from par_core.models.runtimes import Runtime
    from par_core.models.segmenter import SegmenterSettings

__all__ = ["Fingerprints", "describe_models", "fingerprints", "load_describer", "load_segmenter", "load_text_encoder"]

#: Raised by hand when the code of a model changes its answer beyond the tolerance of the runtimes; part of every fingerprint.
CODE: Final = {"segmenter": "segmenter/2", "describer": "describer/1"}

#: Names under which the ``clip`` profile looks for weights in ``weights_dir``: those that the makers publish them under.
CLIP_FILES: Final = {
    "resnet50-fpn": "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
    "resnet50-fpn-v2": "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
    "vit-b-32": "attributes-vit-b-32.safetensors",
}

T = TypeVar("T")
_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What decides the answers of a profile's models; known without loading them.

    Attributes:
        segmenter: Of the segmenter.
        describer: Of the describer.
        embedding: Of the joint image and text model.
    """

    segmenter: str
    describer: str
    embedding: str


@lru_cache(maxsize=8)
def fingerprints(config: RunConfig) -> Fingerprints:
    """The fingerprints of a configuration's models.

    Raises:
        WeightsError: Weights are missing; names the file and where to put it.
    """
    if config.profile == "fake":
        return Fingerprints(FakeSegmenter.fingerprint, FakeDescriber.fingerprint, FakeDescriber.embedding_fingerprint)
    segmenter, describer, embedding = _shipped_digests() if config.profile == "compact" else _clip_digests(config)
    asked = f"{config.segment.min_score}/{config.segment.min_side}"
    return Fingerprints(
        segmenter=digest_of(CODE["segmenter"], segmenter, asked),
        describer=digest_of(CODE["describer"], describer, embedding),
        embedding=digest_of(CODE["describer"], embedding),
    )


def describe_models(config: RunConfig) -> str:
    """One phrase for people: models, device, runtime, precision. Loads nothing."""
    if config.profile == "fake":
        return "fake models"
    machine = config.machine
    device = machine.device if machine.device != "auto" else "cuda" if has_cuda_device() else "cpu"
    on_cpu = "openvino" if importlib.util.find_spec("openvino") is not None else "torch"
    runtime = machine.runtime if machine.runtime != "auto" else "torch" if device == "cuda" else on_cpu
    precision = "bf16" if device == "cuda" or cpu_computes_bf16() else "fp32"
    names = {"compact": "Mask R-CNN lite0 + ViT-S/14", "clip": f"Mask R-CNN {config.clip.segmenter} + CLIP {config.clip.model}"}[config.profile]
    return f"{names} on {device}, {runtime}, {precision}"


def load_segmenter(config: RunConfig) -> PersonSegmenter:
    """The segmenter of a configuration, loaded once per process."""
    return _once(_segmenter, config)


def load_describer(config: RunConfig) -> PersonDescriber:
    """The describer of a configuration, loaded once per process."""
    return _once(_describer, config)


def load_text_encoder(config: RunConfig) -> TextEncoder:
    """The text encoder of a configuration, loaded once per process; with ``compact`` it loads no image model."""
    return _once(_text_encoder, config)


def _once(load: Callable[[RunConfig], T], config: RunConfig) -> T:
    with _lock:  # two threads that ask at once must not load twice
        return load(config)


@lru_cache(maxsize=1)
def _segmenter(config: RunConfig) -> PersonSegmenter:
    if config.profile == "fake":
        return FakeSegmenter()
    from par_core.models.segmenter import COMPACT_SETTINGS, PUBLISHED_SETTINGS, MaskRCNNSegmenter, compact_network, published_network, random_network

    fingerprint = fingerprints(config).segmenter
    if config.profile == "compact":
        return MaskRCNNSegmenter(compact_network(), _settings(COMPACT_SETTINGS, config), fingerprint, "compact Mask R-CNN", _runtime(config))
    name = config.clip.segmenter
    seed = config.clip.random_seed
    network = random_network(name, seed) if seed is not None else published_network(name, _clip_file(config, CLIP_FILES[name], "segmenter"))
    return MaskRCNNSegmenter(network, _settings(PUBLISHED_SETTINGS, config), fingerprint, f"Mask R-CNN {name}", _runtime(config))


@lru_cache(maxsize=1)
def _describer(config: RunConfig) -> PersonDescriber:
    if config.profile == "fake":
        return FakeDescriber()
    prints = fingerprints(config)
    if config.profile == "compact":
        from par_core.models.describer import load_compact_describer

        return load_compact_describer(_runtime(config), prints.describer, prints.embedding)
    from par_core.attributes.vocabulary import ATTRIBUTES
    from par_core.models.clip import AttributeViT, ClipDescriber, load_attribute_vit

    vit = None
    if config.clip.attributes == "vit-b-32":
        seed = config.clip.random_seed
        vit = AttributeViT(len(ATTRIBUTES)) if seed is not None else load_attribute_vit(_clip_file(config, CLIP_FILES["vit-b-32"], "attributes"))
    return ClipDescriber(_clip_model(config), config.clip.model, vit, prints.describer, prints.embedding, _runtime(config))


@lru_cache(maxsize=1)
def _text_encoder(config: RunConfig) -> TextEncoder:
    if config.profile == "fake":
        return FakeTextEncoder()
    embedding = fingerprints(config).embedding
    if config.profile == "compact":
        from par_core.models.text import load_compact_text

        return load_compact_text(embedding)
    from par_core.models.clip import load_clip_text

    return load_clip_text(_clip_model(config), config.clip.model, embedding)


@lru_cache(maxsize=1)
def _clip_model(config: RunConfig) -> "nn.Module":
    from par_core.models.clip import build_clip

    seed = config.clip.random_seed
    return build_clip(config.clip.model, None if seed is not None else _clip_weights(config), seed)


def _runtime(config: RunConfig) -> "Runtime":
    from par_core.models.runtimes import choose_runtime

    return choose_runtime(config.machine.runtime, config.machine.device, threads=config.machine.threads_per_worker)


def _settings(settings: "SegmenterSettings", config: RunConfig) -> "SegmenterSettings":
    from dataclasses import replace

    asked = {name: value for name in ("min_score", "min_side") if (value := getattr(config.segment, name)) is not None}
    return replace(settings, **asked)


def _shipped_digests() -> tuple[str, str, str]:
    from par_core.models.shipped import CALIBRATION, FILES, digest

    segmenter, describer, text = (digest(name) for name in FILES)
    return segmenter, digest_of(describer, digest(CALIBRATION)), digest_of(describer, text)


def _clip_digests(config: RunConfig) -> tuple[str, str, str]:
    clip = config.clip
    if clip.random_seed is not None:
        random = f"random:{clip.random_seed}"
        return f"{clip.segmenter}/{random}", f"{clip.attributes}/{random}", f"{clip.model}/{random}"
    from par_core.models.shipped import file_digest

    segmenter = file_digest(_clip_file(config, CLIP_FILES[clip.segmenter], "segmenter"))
    attributes = file_digest(_clip_file(config, CLIP_FILES["vit-b-32"], "attributes")) if clip.attributes == "vit-b-32" else "zero-shot"
    return segmenter, attributes, f"{clip.model}/{file_digest(_clip_weights(config))}"


def _clip_weights(config: RunConfig) -> Path:
    """OpenAI's archive ``ViT-B-16.pt``, or open_clip's ``ViT-B-16.safetensors``."""
    name = config.clip.model
    folder = config.weights_dir
    if folder is not None and (folder / f"{name}.safetensors").is_file():
        return folder / f"{name}.safetensors"
    return _clip_file(config, f"{name}.pt", "CLIP model")


def _clip_file(config: RunConfig, name: str, what: str) -> Path:
    if config.weights_dir is None:
        raise WeightsError(f"the clip profile needs weights from a local folder: put {name} there and name it with --weights-dir DIR")
    path = config.weights_dir / name
    if not path.is_file():
        raise WeightsError(f"no weights for the {what}: put {name} into {config.weights_dir}")
    return path
