"""Profiles: which model plays which role. The only place that turns a name into a model.

    role        compact                        clip                                    fake
    segmenter   Mask R-CNN, light backbone     Mask R-CNN R50-FPN (torchvision)        coloured areas
    describer   one small ViT, one pass        CLIP ViT-B/16 (open_clip), ViT-B/32     mean colours
    text        small text tower (open_clip)   CLIP ViT-B/16's text tower              colour names

Models load once per process and are shared by its threads. Heavy libraries are imported only when a model is asked for.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from par_core.config import RunConfig
from par_core.models.base import PersonDescriber, PersonSegmenter, TextEncoder

__all__ = ["Fingerprints", "describe_models", "fingerprints", "load_describer", "load_segmenter", "load_text_encoder"]

_lock = threading.Lock()


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


def fingerprints(config: RunConfig) -> Fingerprints:
    """The fingerprints of a configuration's models.

    Raises:
        WeightsError: Weights are missing or not the ones expected.
    """
    if config.profile == "fake":
        from par_core.models.fake import FakeDescriber, FakeSegmenter

        return Fingerprints(FakeSegmenter.fingerprint, FakeDescriber.fingerprint, FakeDescriber.embedding_fingerprint)
    raise NotImplementedError


def describe_models(config: RunConfig) -> str:
    """One phrase for people: device, precision, models. Loads nothing."""
    return "fake models"


def load_segmenter(config: RunConfig) -> PersonSegmenter:
    """The segmenter of a configuration, loaded once per process."""
    return _once(_segmenter, config)


def load_describer(config: RunConfig) -> PersonDescriber:
    """The describer of a configuration, loaded once per process."""
    return _once(_describer, config)


def load_text_encoder(config: RunConfig) -> TextEncoder:
    """The text encoder of a configuration, loaded once per process; loads no image model."""
    return _once(_text_encoder, config)


T = TypeVar("T")


def _once(load: Callable[[RunConfig], T], config: RunConfig) -> T:
    with _lock:  # two threads that ask at once must not load twice
        return load(config)


@lru_cache(maxsize=1)
def _segmenter(config: RunConfig) -> PersonSegmenter:
    from par_core.models.fake import FakeSegmenter

    return FakeSegmenter()


@lru_cache(maxsize=1)
def _describer(config: RunConfig) -> PersonDescriber:
    from par_core.models.fake import FakeDescriber

    return FakeDescriber()


@lru_cache(maxsize=1)
def _text_encoder(config: RunConfig) -> TextEncoder:
    from par_core.models.fake import FakeTextEncoder

    return FakeTextEncoder()
