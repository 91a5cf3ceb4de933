"""The ``clip`` profile: CLIP's image tower (Radford et al. 2021) by open_clip, and attributes by prompts or
by a fine-tuned ViT-B/32 (paper, section 6).

Preprocessing is open_clip's own transform of the model, on the whole cut-out.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torch import Tensor, nn

from par_core.attributes.vocabulary import ATTRIBUTES, prompts
from par_core.models.answers import Answers
from par_core.models.attribute_vit import AttributeViT
from par_core.models.clip_loading import fitting_state, model_config, preprocessing, require_parts, tokenizer
from par_core.models.conversion import compile_module
from par_core.models.measuring import measured_batch
from par_core.models.runtimes import Runtime
from par_core.models.text import TowerTextEncoder
from par_core.models.text_tower import OpenClipTokenizer
from par_core.models.torch_runtime import TorchRuntime
from par_core.models.weights import load_state, read_published
from par_core.types import Descriptions, Embeddings, ImageU8

__all__ = ["ClipDescriber", "build_clip", "load_clip_text"]


def build_clip(name: str, pretrained: str, weights: Path | None, seed: int | None) -> Any:
    """Build an open_clip model with published or random weights.

    Args:
        name: Name of the architecture, such as ``ViT-B-16``.
        pretrained: open_clip's name of the weights, such as ``openai``: decides activation and preprocessing.
        weights: OpenAI's archive, or an open_clip state as safetensors; None for random weights.
        seed: Seed of the random weights.

    Raises:
        BadConfigError: open_clip has no such architecture, or a package that it needs is missing.
        WeightsError: The file is missing, damaged, or of another architecture.
    """
    require_parts(name)
    torch.manual_seed(seed or 0)
    known = open_clip.get_pretrained_cfg(name, pretrained) or {}
    with _without_warning_of_random_weights():
        model = open_clip.create_model(
            name, pretrained=None, pretrained_text=False, force_quick_gelu=bool(known.get("quick_gelu"))
        )
    model.visual.preprocess_cfg = {**model.visual.preprocess_cfg, **preprocessing(name, pretrained)}
    if weights is not None:
        state = read_published(weights, f"CLIP model {name}")
        load_state(model, fitting_state(model, state), str(weights))
    return model.float().eval()


@contextmanager
def _without_warning_of_random_weights() -> Iterator[None]:
    """Drop what open_clip logs of a model that it is given no weights for: they are loaded afterwards."""

    def wanted(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("No pretrained weights loaded")

    logging.root.addFilter(wanted)
    try:
        yield
    finally:
        logging.root.removeFilter(wanted)


def load_clip_text(model: Any, name: str, embedding_fingerprint: str) -> TowerTextEncoder:
    """Return the text tower of a CLIP model behind PAR's contract."""
    return TowerTextEncoder(
        TorchRuntime().compile(_TextTower(model), (), "text"),
        OpenClipTokenizer(tokenizer(name)),
        float(model.logit_scale.detach().exp()),
        embedding_fingerprint,
        None,
    )


class ClipDescriber:
    """CLIP's image tower, with attributes by prompts or by a ViT.

    Args:
        model: open_clip model.
        name: Name of its architecture.
        vit: Attribute network, or None for zero-shot attributes of PAR's vocabulary.
        fingerprint: Digest of all weights and the code.
        embedding_fingerprint: Digest of CLIP's weights and the code.
        runtime: Runtime that computes the networks.
    """

    aspect = 1.0

    def __init__(
        self,
        model: Any,
        name: str,
        vit: AttributeViT | None,
        fingerprint: str,
        embedding_fingerprint: str,
        runtime: Runtime,
    ) -> None:
        self.fingerprint, self.embedding_fingerprint = fingerprint, embedding_fingerprint
        self.embedding_size = int(model_config(name)["embed_dim"])
        how = "ViT-B/32" if vit else "zero-shot"
        answers = vit.answers if vit else Answers.uncalibrated([attribute.name for attribute in ATTRIBUTES])
        self.attributes, self.thresholds = answers.names, answers.thresholds
        self._transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
        side = model.visual.preprocess_cfg["size"]
        height, width = (side, side) if isinstance(side, int) else side
        self._scale = float(model.logit_scale.detach().exp())
        self._pairs = None if vit else _prompt_pairs(load_clip_text(model, name, embedding_fingerprint))
        example = _typical_input(height, width)
        self._embed = compile_module(
            runtime, _ImageTower(model.visual), (example,), f"{embedding_fingerprint}/visual"
        )
        self.batch_size = measured_batch(
            self._embed, example, runtime.device, f"{runtime.name}/{embedding_fingerprint}/visual"
        )
        self._vit = vit
        self._classify = (
            compile_module(runtime, vit.network, (_typical_input(vit.side, vit.side),), f"{fingerprint}/vit")
            if vit
            else None
        )
        self.summary = f"CLIP {name}, attributes {how} ({runtime.name}, {runtime.precision})"

    def describe(self, cutouts: Sequence[ImageU8]) -> Descriptions:
        """Describe n cut-outs of any sizes."""
        if not cutouts:
            return Descriptions(
                np.zeros((0, self.embedding_size), np.float32),
                np.zeros((0, len(self.attributes)), np.float32),
            )
        pictures = [Image.fromarray(cutout) for cutout in cutouts]
        (vectors,) = self._embed(_batch(pictures, self._transform))
        embeddings = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        if self._classify is not None and self._vit is not None:
            (logits,) = self._classify(_batch(pictures, self._vit.transform))
            return Descriptions(embeddings, self._vit.answers.probabilities(logits))
        assert self._pairs is not None
        cosines = np.einsum("nd,kpd->nkp", embeddings, self._pairs)
        probabilities = 1 / (1 + np.exp(-self._scale * (cosines[:, :, 0] - cosines[:, :, 1])))
        return Descriptions(embeddings, probabilities.astype(np.float32))


class _ImageTower(nn.Module):
    """What open_clip's ``encode_image`` gives, not yet normalised; CoCa's tower adds a vector a patch."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def forward(self, pictures: Tensor) -> Tensor:
        embedded = self.visual(pictures)
        vectors: Tensor = embedded[0] if isinstance(embedded, tuple) else embedded
        return vectors


class _TextTower(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.model.encode_text(tokens)  # type: ignore[operator]
        return embedded


def _prompt_pairs(encoder: TowerTextEncoder) -> np.ndarray:
    """(k, 2, d): a prompt for each attribute and one for its opposite."""
    vectors: list[Embeddings] = [encoder.encode(prompts(attribute)) for attribute in ATTRIBUTES]
    return np.stack(vectors)


def _batch(pictures: Sequence[Image.Image], transform: Any) -> np.ndarray:
    return np.stack([transform(picture).numpy() for picture in pictures])


def _typical_input(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((1, 3, height, width), np.float32)
