"""The compact describer: one small Vision Transformer that gives embedding and attributes in one forward pass.

Trunk: ViT-S/14 (Dosovitskiy et al. 2021; DINOv2's layer scale) cut after its ninth block, on inputs twice as high as wide. Learned queries
attend to the patches, one for each attribute and a few more for the embedding, so that a hat is looked for where hats are (Carion et al., DETR,
2020, for the queries).
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import timm
import torch
import torchvision.transforms.v2.functional as F
from jaxtyping import Float, Float32
from torch import Tensor, nn

from par_core.models.runtimes import Runtime
from par_core.models.shipped import CALIBRATION
from par_core.models.weights import load_state, read_shipped, shipped_path
from par_core.types import Descriptions, ImageU8

__all__ = [
    "BLOCKS",
    "CALIBRATION_FILE",
    "DESCRIBER_FILE",
    "EMBEDDING_SIZE",
    "HEIGHT",
    "WIDTH",
    "CompactDescriber",
    "DescriberNetwork",
    "letterbox",
    "load_compact_describer",
    "read_calibration",
]

HEIGHT: Final = 224
WIDTH: Final = 112
DESCRIBER_FILE: Final = "describer-compact.safetensors"
CALIBRATION_FILE: Final = CALIBRATION
BLOCKS: Final = 9
EMBEDDING_SIZE: Final = 256
_WIDTH_OF_TRUNK: Final = 384
_REGIONS: Final = 8
_MEAN: Final = (0.485, 0.456, 0.406)
_STD: Final = (0.229, 0.224, 0.225)


class DescriberNetwork(nn.Module):
    """Trunk, queries and heads.

    Args:
        n_attributes: k.
    """

    trunk: Any
    mean: Tensor
    std: Tensor

    def __init__(self, n_attributes: int) -> None:
        super().__init__()
        self.trunk = timm.create_model("vit_small_patch14_dinov2", pretrained=False, img_size=(HEIGHT, WIDTH), num_classes=0)
        self.trunk.blocks = self.trunk.blocks[:BLOCKS]
        self.queries = nn.Parameter(torch.randn(n_attributes + _REGIONS, _WIDTH_OF_TRUNK) * 0.5)
        self.key = nn.Linear(_WIDTH_OF_TRUNK, _WIDTH_OF_TRUNK)
        self.value = nn.Linear(_WIDTH_OF_TRUNK, _WIDTH_OF_TRUNK)
        self.position = nn.Parameter(torch.zeros(HEIGHT // 14 * (WIDTH // 14), _WIDTH_OF_TRUNK))
        self.attribute_weight = nn.Parameter(torch.randn(n_attributes, 2 * _WIDTH_OF_TRUNK) * 0.02)
        self.attribute_bias = nn.Parameter(torch.zeros(n_attributes))
        self.embed = nn.Sequential(nn.Linear((_REGIONS + 1) * _WIDTH_OF_TRUNK + n_attributes, 512), nn.GELU(), nn.Linear(512, EMBEDDING_SIZE))
        self.n_attributes = n_attributes
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "b 3 224 112"]) -> tuple[Tensor, Tensor]:
        """Describe a batch.

        Args:
            images: RGB in [0, 255].

        Returns:
            Embeddings (b, 256) of L2 norm 1, and attribute logits (b, k).
        """
        tokens = self.trunk.forward_features((images / 255 - self.mean) / self.std)
        whole, patches = tokens[:, 0], tokens[:, 1:]
        heads, size = 6, _WIDTH_OF_TRUNK // 6
        queries = self.queries[None].unflatten(2, (heads, size)).transpose(1, 2)
        keys = self.key(patches + self.position).unflatten(2, (heads, size)).transpose(1, 2)
        values = self.value(patches).unflatten(2, (heads, size)).transpose(1, 2)
        attention = (queries @ keys.transpose(2, 3) * size**-0.5).softmax(dim=-1)
        seen = (attention @ values).transpose(1, 2).flatten(2)  # (b, k + regions, width)
        k = self.n_attributes
        evidence = torch.cat([seen[:, :k], whole[:, None].expand(-1, k, -1)], dim=2)
        logits = (evidence * self.attribute_weight).sum(dim=2) + self.attribute_bias
        embedding = self.embed(torch.cat([whole, seen[:, k:].flatten(1), torch.tanh(logits / 4)], dim=1))
        return nn.functional.normalize(embedding, dim=1), logits


class CompactDescriber:
    """A describer network behind PAR's contract.

    Args:
        network: With trained weights.
        attributes: Names, in the network's order.
        calibration: (k, 2): a logit x becomes the probability sigmoid(scale * x + offset).
        fingerprint: Of weights and code.
        embedding_fingerprint: Of weights, shared with the text tower.
        runtime: What computes.
    """

    embedding_size = EMBEDDING_SIZE
    aspect = HEIGHT / WIDTH

    def __init__(
        self,
        network: DescriberNetwork,
        attributes: Sequence[str],
        calibration: Float32[np.ndarray, "k 2"],
        fingerprint: str,
        embedding_fingerprint: str,
        runtime: Runtime,
    ) -> None:
        self.attributes = tuple(attributes)
        self.fingerprint = fingerprint
        self.embedding_fingerprint = embedding_fingerprint
        self.summary = f"compact ViT-S/14, {BLOCKS} blocks ({runtime.name}, {runtime.precision})"
        self._calibration = calibration
        self._forward = runtime.compile(network.eval(), (torch.zeros(2, 3, HEIGHT, WIDTH),), fingerprint)

    def describe(self, cutouts: Sequence[ImageU8]) -> Descriptions:
        """Describe n cut-outs of any sizes."""
        if not cutouts:
            return Descriptions(np.zeros((0, EMBEDDING_SIZE), np.float32), np.zeros((0, len(self.attributes)), np.float32))
        batch = torch.stack([letterbox(cutout) for cutout in cutouts]).float()
        embeddings, logits = (output.float().cpu().numpy() for output in self._forward(batch))
        scaled = logits * self._calibration[:, 0] + self._calibration[:, 1]
        norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
        return Descriptions((embeddings / norms).astype(np.float32), (1 / (1 + np.exp(-scaled))).astype(np.float32))


def load_compact_describer(runtime: Runtime, fingerprint: str, embedding_fingerprint: str) -> CompactDescriber:
    """The shipped describer on a runtime.

    Raises:
        WeightsError: The shipped file is missing or damaged.
    """
    state, metadata = read_shipped(DESCRIBER_FILE)
    attributes = json.loads(metadata["attributes"])
    network = DescriberNetwork(len(attributes))
    load_state(network, state, DESCRIBER_FILE)
    return CompactDescriber(network, attributes, read_calibration(attributes), fingerprint, embedding_fingerprint, runtime)


def read_calibration(attributes: Sequence[str]) -> Float32[np.ndarray, "k 2"]:
    """The shipped calibration: scale and offset of each attribute's logit.

    Raises:
        WeightsError: The shipped file is missing or damaged.
    """
    content = json.loads(shipped_path(CALIBRATION_FILE).read_text())
    return np.array([content["attributes"][name] for name in attributes], np.float32)


def letterbox(cutout: ImageU8) -> Tensor:
    """Fit a cut-out into 224 x 112 without distorting it; what is left over takes its mean colour. (3, 224, 112), uint8."""
    height, width = cutout.shape[:2]
    scale = min(HEIGHT / height, WIDTH / width)
    rows, columns = max(1, min(HEIGHT, round(height * scale))), max(1, min(WIDTH, round(width * scale)))
    picture = torch.from_numpy(np.require(cutout, requirements=["C", "W"])).permute(2, 0, 1)
    resized = F.resize(picture, [rows, columns], interpolation=F.InterpolationMode.BILINEAR, antialias=True)
    mean = picture.float().mean(dim=(1, 2), keepdim=True).round().to(torch.uint8)
    canvas = mean.expand(3, HEIGHT, WIDTH).clone()
    top, left = (HEIGHT - rows) // 2, (WIDTH - columns) // 2
    canvas[:, top : top + rows, left : left + columns] = resized
    return canvas
