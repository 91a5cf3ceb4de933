"""Profiles: the model of each role. The only place that turns a name into a model.

    role        compact                        clip                                    fake
    segmenter   Mask R-CNN, light backbone     Mask R-CNN R50-FPN (torchvision)        coloured areas
    describer   one small network, one pass    CLIP ViT-B/16 (open_clip), ViT-B/32     mean colours
    text        small text tower (open_clip)   CLIP ViT-B/16's text tower              colour names

Models load once per process and are shared by its threads. Heavy libraries are imported only when a model is
loaded.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from par_core.config import RunConfig
from par_core.models.base import PersonDescriber, PersonSegmenter, TextEncoder
from par_core.models.cached_texts import cached_embeddings
from par_core.models.fingerprints import (
    attributes_file,
    clip_file,
    describer_fingerprint,
    embedding_fingerprint,
    require_libraries,
    segmenter_file,
    segmenter_fingerprint,
)
from par_core.models.hardware import cpu_computes_bf16, has_cuda_device
from par_core.models.runtimes import has_openvino
from par_core.models.segmenter_settings import COMPACT_SETTINGS, PUBLISHED_SETTINGS, SegmenterSettings
from par_core.models.text_evidence import TextScorer, TextWeights, background_texts
from par_core.models.torch_extra import has_torch

if TYPE_CHECKING:
    from torch import nn

    from par_core.models.runtimes import Runtime

__all__ = [
    "describe_models",
    "load_describer",
    "load_segmenter",
    "load_text_encoder",
    "load_text_scorer",
    "score_threshold",
]

T = TypeVar("T")
_lock = threading.RLock()


def describe_models(config: RunConfig) -> str:
    """Return one phrase for people: models, device, runtime, precision. Loads nothing."""
    if config.profile == "fake":
        return "fake models"
    machine = config.machine
    device = (
        machine.device if machine.device != "auto" else "cuda" if has_cuda_device() and has_torch() else "cpu"
    )
    on_cpu = "openvino" if has_openvino() else "torch"
    runtime = machine.runtime if machine.runtime != "auto" else "torch" if device == "cuda" else on_cpu
    automatic = "bf16 or fp32 as measured" if device == "cuda" or cpu_computes_bf16() else "fp32"
    precision = machine.precision if machine.precision != "auto" else automatic
    names = {
        "compact": "Mask R-CNN lite0 + EfficientNet-Lite2",
        "clip": f"Mask R-CNN {config.clip.segmenter} + CLIP {config.clip.model}",
    }[config.profile]
    return f"{names} on {device}, {runtime}, {precision}"


def score_threshold(config: RunConfig) -> float:
    """Return the score in [0, 1] above which the segmenter counts a person; loads no network."""
    if config.profile == "fake":
        return 0.0  # its people are all there are
    if config.segment.min_score is not None:
        return config.segment.min_score
    return (COMPACT_SETTINGS if config.profile == "compact" else PUBLISHED_SETTINGS).min_score


def load_segmenter(config: RunConfig) -> PersonSegmenter:
    """Return the segmenter of a configuration, loaded once per process."""
    return _once(_segmenter, config)


def load_describer(config: RunConfig) -> PersonDescriber:
    """Return the describer of a configuration, loaded once per process."""
    return _once(_describer, config)


def load_text_encoder(config: RunConfig) -> TextEncoder:
    """Return the text encoder, loaded once per process; with ``compact`` it loads no image model."""
    return _once(_text_encoder, config)


def load_text_scorer(config: RunConfig) -> TextScorer:
    """Return the scorer of texts of a configuration, made once per process."""
    return _once(_text_scorer, config)


def _once(load: Callable[[RunConfig], T], config: RunConfig) -> T:
    require_libraries(config)
    with _lock:  # two threads that ask at once must not load twice
        return load(config)


@lru_cache(maxsize=1)
def _segmenter(config: RunConfig) -> PersonSegmenter:
    if config.profile == "fake":
        from par_core.models.fake import FakeSegmenter

        return FakeSegmenter()
    fingerprint = segmenter_fingerprint(config)
    if config.profile == "compact":
        from par_core.models.compact import load_compact_segmenter

        return load_compact_segmenter(_runtime(config), _settings(COMPACT_SETTINGS, config), fingerprint)
    from par_core.models.torch_segmenter import published_network, random_network, segmenter_of

    name = config.clip.segmenter
    seed = config.clip.random_seed
    network = (
        random_network(name, seed) if seed is not None else published_network(name, segmenter_file(config))
    )
    return segmenter_of(
        network, _settings(PUBLISHED_SETTINGS, config), fingerprint, f"Mask R-CNN {name}", _runtime(config)
    )


@lru_cache(maxsize=1)
def _describer(config: RunConfig) -> PersonDescriber:
    if config.profile == "fake":
        from par_core.models.fake import FakeDescriber

        return FakeDescriber()
    fingerprint, embedding = describer_fingerprint(config), embedding_fingerprint(config)
    if config.profile == "compact":
        from par_core.models.compact import load_compact_describer

        return load_compact_describer(_runtime(config), fingerprint, embedding)
    from par_core.models.attribute_vit import load_attribute_vit, random_attribute_vit
    from par_core.models.clip import ClipDescriber

    vit = None
    if config.clip.attributes == "vit-b-32":
        seed = config.clip.random_seed
        vit = random_attribute_vit(seed) if seed is not None else load_attribute_vit(attributes_file(config))
    return ClipDescriber(
        _clip_model(config), config.clip.model, vit, fingerprint, embedding, _runtime(config)
    )


@lru_cache(maxsize=1)
def _text_encoder(config: RunConfig) -> TextEncoder:
    if config.profile == "fake":
        from par_core.models.fake import FakeTextEncoder

        return FakeTextEncoder()
    embedding = embedding_fingerprint(config)
    if config.profile == "compact":
        from par_core.models.compact import load_compact_text

        return load_compact_text(_text_runtime(config), embedding)
    from par_core.models.clip import load_clip_text

    return load_clip_text(_clip_model(config), config.clip.model, embedding)


@lru_cache(maxsize=1)
def _text_scorer(config: RunConfig) -> TextScorer:
    encoder, weights = _text_encoder(config), TextWeights.shipped(calibrated=config.profile == "compact")
    return TextScorer(encoder, weights, cached_embeddings(background_texts(), encoder))


@lru_cache(maxsize=1)
def _clip_model(config: RunConfig) -> "nn.Module":
    from par_core.models.clip import build_clip

    seed = config.clip.random_seed
    return build_clip(
        config.clip.model, config.clip.pretrained, None if seed is not None else clip_file(config), seed
    )


def _runtime(config: RunConfig) -> "Runtime":
    from par_core.models.choosing import choose_runtime

    machine = config.machine
    return choose_runtime(
        machine.runtime,
        machine.device,
        machine.precision,
        threads=machine.threads_per_worker,
        cuda_memory_share=machine.cuda_memory_share,
    )


def _text_runtime(config: RunConfig) -> "Runtime":
    """Texts are computed on the CPU and in fp32 everywhere."""
    from par_core.models.choosing import choose_runtime

    machine = config.machine
    return choose_runtime(
        "torch" if machine.runtime == "torch" else "auto",
        "cpu",
        "fp32",
        threads=machine.threads_per_worker,
    )


def _settings(settings: SegmenterSettings, config: RunConfig) -> SegmenterSettings:
    overrides = {
        name: value
        for name in ("min_score", "min_side")
        if (value := getattr(config.segment, name)) is not None
    }
    return replace(settings, **overrides)
