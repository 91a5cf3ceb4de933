"""Fingerprints: digests of weights, settings and code that decide the outputs of a profile's models, and the
weights files that they are of. No model is loaded.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from par_core.config import RunConfig
from par_core.ids import digest_of
from par_core.models.published import ATTRIBUTE_VIT, MASK_RCNN, clip_weights, find
from par_core.models.shipped import CALIBRATION, FILES, digest, file_digest
from par_core.models.torch_extra import require_torch

__all__ = [
    "Fingerprints",
    "attributes_file",
    "clip_file",
    "describer_fingerprint",
    "embedding_fingerprint",
    "fingerprints",
    "require_libraries",
    "segmenter_file",
    "segmenter_fingerprint",
]

#: Raised by hand when the code of a model changes its answer beyond the tolerance of the runtimes; part of
# every fingerprint.
CODE: Final = {"segmenter": "segmenter/5", "describer": "describer/3"}


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Digests that decide the outputs of a profile's models; known without loading them.

    Attributes:
        segmenter: Fingerprint of the segmenter.
        describer: Fingerprint of the describer.
        embedding: Fingerprint of the joint image and text model.
    """

    segmenter: str
    describer: str
    embedding: str


def fingerprints(config: RunConfig) -> Fingerprints:
    """Return the fingerprints of a configuration's models.

    Raises:
        BadConfigError: The settings need torch, which is not installed.
        WeightsError: Weights are missing; names the file and where to put it.
    """
    require_libraries(config)
    return Fingerprints(
        segmenter_fingerprint(config), describer_fingerprint(config), embedding_fingerprint(config)
    )


def require_libraries(config: RunConfig) -> None:
    """Refuse at once what a model would refuse; workers of a scheduler have libraries of their own."""
    machine = config.machine
    if config.profile == "clip":
        require_torch("the profile clip")
    elif config.profile == "compact" and machine.scheduler is None:
        if machine.device == "cuda":
            require_torch("machine.device cuda")
        if machine.runtime == "torch":
            require_torch("machine.runtime torch")


@lru_cache(maxsize=8)
def segmenter_fingerprint(config: RunConfig) -> str:
    """Return the digest of weights, thresholds and code of the segmenter alone."""
    clip = config.clip
    if config.profile == "fake":
        from par_core.models.fake import FakeSegmenter

        return FakeSegmenter.fingerprint
    if config.profile == "compact":
        weights = digest(FILES[0])
    elif clip.random_seed is not None:
        weights = f"{clip.segmenter}/random:{clip.random_seed}"
    else:
        weights = file_digest(segmenter_file(config))
    return digest_of(CODE["segmenter"], weights, f"{config.segment.min_score}/{config.segment.min_side}")


@lru_cache(maxsize=8)
def describer_fingerprint(config: RunConfig) -> str:
    """Return the digest of weights, calibration and code of embedding and attributes."""
    clip = config.clip
    if config.profile == "fake":
        from par_core.models.fake import FakeDescriber

        return FakeDescriber.fingerprint
    if config.profile == "compact":
        attributes = digest_of(digest(FILES[1]), digest(CALIBRATION))
    elif clip.random_seed is not None:
        attributes = f"{clip.attributes}/random:{clip.random_seed}"
    else:
        attributes = file_digest(attributes_file(config)) if clip.attributes == "vit-b-32" else "zero-shot"
    return digest_of(CODE["describer"], attributes, _embedding_weights(config))


@lru_cache(maxsize=8)
def embedding_fingerprint(config: RunConfig) -> str:
    """Return the digest of the joint image and text model, which a question must share with the store."""
    if config.profile == "fake":
        from par_core.models.fake import FakeDescriber

        return FakeDescriber.embedding_fingerprint
    return digest_of(CODE["describer"], _embedding_weights(config))


def _embedding_weights(config: RunConfig) -> str:
    clip = config.clip
    if config.profile == "compact":
        return digest_of(digest(FILES[1]), digest(FILES[2]))
    if clip.random_seed is not None:
        return f"{clip.model}/random:{clip.random_seed}"
    return f"{clip.model}/{clip.pretrained}/{file_digest(clip_file(config))}"


def segmenter_file(config: RunConfig) -> Path:
    """Return the weights file of the profile clip's Mask R-CNN.

    Raises:
        WeightsError: It is missing; names it and where to put it.
    """
    return find(MASK_RCNN[config.clip.segmenter][0], "segmenter", config.weights_dir)


def clip_file(config: RunConfig) -> Path:
    """Return the weights file of CLIP; raises as :func:`segmenter_file` does."""
    wanted = clip_weights(config.clip.model, config.clip.pretrained)
    return find(wanted.file, "CLIP model", config.weights_dir)


def attributes_file(config: RunConfig) -> Path:
    """Return the weights file of the attribute network; raises as :func:`segmenter_file` does."""
    return find(ATTRIBUTE_VIT, "attributes", config.weights_dir)
