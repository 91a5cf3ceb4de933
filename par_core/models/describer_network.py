"""The network of the compact describer: embedding and attributes in one forward pass.

Trunk: EfficientNet-Lite2 (Tan and Le, ICML 2019) on inputs twice as high as wide. Learned queries attend to
its feature map, one for each attribute and a few more for the embedding, so that a hat is looked for where
hats are (attention pooling as in CLIP's ResNets, Radford et al. 2021, section 2.4; one query for each output
as in DETR, Carion et al. 2020). ImageNet features carry little colour, so the network also names the colours
of pixels, and the embedding gets the colours at which each attribute's query looks. docs/decisions states
why it is no transformer.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import timm
import torch
from jaxtyping import Float
from timm.layers import freeze_batch_norm_2d
from torch import Tensor, nn

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.models.describer import EMBEDDING_SIZE, HEIGHT, WIDTH
from par_core.models.shipped import FILES, FOLDER
from par_core.models.weights import load_state, read_shipped

__all__ = ["GRID", "ColourNames", "DescriberNetwork", "Looked", "shipped_describer"]

GRID: Final = (HEIGHT // 16, WIDTH // 16)  # cells that the queries attend to

_NAMED: Final = len(COLOUR_TERMS) + 1  # and skin
_DEEP: Final = 1280  # channels of the trunk's last layer, at stride 32
# of the layers at strides 16 and 8, the colours and their names, at stride 16
_MIDDLE: Final = 120 + 48 + 3 + _NAMED
_AT_8, _AT_16 = 2, 4  # the blocks whose outputs have these strides
_KEYS: Final = 128
_REGIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Looked:
    """Outputs of the network for a batch, and where its queries look.

    Attributes:
        embeddings: Embeddings (b, 256), of L2 norm 1.
        logits: Attribute logits (b, k).
        attention: Attention (b, k, cells) of each attribute's query, over the cells of ``GRID`` row by row;
            sums to 1.
        colours: Shares (b, k, 13) of the colour terms, and of pixels that may be skin, in the cells at which
            an attribute's query looks.
    """

    embeddings: Tensor
    logits: Tensor
    attention: Tensor
    colours: Tensor


class ColourNames(nn.Module):
    """Names the colours of pixels as :func:`par_core.attributes.colours.name_pixels` does, by two small
    layers that were fitted to it; gives shares by cell of the grid.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 1)
        self.second = nn.Conv2d(32, _NAMED, 1)

    def forward(self, normalised: Tensor) -> Tensor:
        """Map (b, 3, 448, 224) to (b, 13, 28, 14): shares of the colour terms, then of skin, in [0, 1]."""
        # the mean of 2 x 2 pixels, and the first layer on it, are one convolution; terms and skin are two,
        # since to part what was computed together would go over all pixels again
        over_pairs = self.first.weight.expand(-1, -1, 2, 2) / 4
        hidden = nn.functional.relu(nn.functional.conv2d(normalised, over_pairs, self.first.bias, stride=2))
        weight, bias = self.second.weight, cast(Tensor, self.second.bias)
        terms = nn.functional.conv2d(hidden, weight[:-1], bias[:-1]).softmax(dim=1)
        skin = nn.functional.conv2d(hidden, weight[-1:], bias[-1:]).sigmoid()
        return torch.cat([nn.functional.avg_pool2d(terms, 8), nn.functional.avg_pool2d(skin, 8)], dim=1)

    def pixel_logits(self, normalised: Tensor) -> Tensor:
        """Return the logits (b, 13, h, w) of each pixel: of the colour terms, then of skin."""
        logits: Tensor = self.second(nn.functional.relu(self.first(normalised)))
        return logits


class DescriberNetwork(nn.Module):
    """The network: trunk, queries and heads.

    Args:
        n_attributes: Number k of attributes.
    """

    trunk: Any

    def __init__(self, n_attributes: int) -> None:
        super().__init__()
        self.trunk = freeze_batch_norm_2d(
            timm.create_model("tf_efficientnet_lite2", pretrained=False, num_classes=0)
        )
        self.n_attributes = n_attributes
        self.colour_names = ColourNames()
        self.queries = nn.Parameter(torch.randn(n_attributes + _REGIONS, _KEYS))
        self.deep_key = nn.Conv2d(_DEEP, _KEYS, 1)
        self.middle_key = nn.Conv2d(_MIDDLE, _KEYS, 1)
        self.position = nn.Parameter(torch.zeros(_KEYS, *GRID))
        self.deep_norm, self.middle_norm = nn.LayerNorm(_DEEP), nn.LayerNorm(_MIDDLE)
        evidence = _DEEP + _MIDDLE
        self.attribute_weight = nn.Parameter(torch.zeros(n_attributes, 2 * evidence))
        self.attribute_bias = nn.Parameter(torch.zeros(n_attributes))
        self.region = nn.Linear(evidence, 128)
        self.whole = nn.Linear(evidence, 256)
        self.embed = nn.Sequential(
            nn.Linear(_REGIONS * 128 + 256 + n_attributes * (1 + _NAMED), 512),
            nn.GELU(),
            nn.Linear(512, EMBEDDING_SIZE),
        )
        self.coloured = nn.Linear(n_attributes * _NAMED, EMBEDDING_SIZE)

    def forward(self, images: Float[Tensor, "b 3 448 224"]) -> tuple[Tensor, Tensor]:
        """Describe a batch.

        Args:
            images: RGB in [0, 255].

        Returns:
            Embeddings (b, 256) of L2 norm 1, and attribute logits (b, k).
        """
        looked = self.look(images)
        return looked.embeddings, looked.logits

    def look(self, images: Float[Tensor, "b 3 448 224"]) -> Looked:
        """Describe a batch as :meth:`forward` does, and return where each attribute was looked for."""
        normalised = (images - 127) / 128
        named = self.colour_names(normalised)
        deep, middle = self._features(normalised, named)
        keys = (
            nn.functional.interpolate(self.deep_key(deep), scale_factor=2.0)
            + self.middle_key(middle)
            + self.position
        )
        attention = (self.queries @ keys.flatten(2) * _KEYS**-0.5).softmax(dim=2)  # (b, k + regions, cells)
        # the same on the deep layer's cells
        coarse = nn.functional.avg_pool2d(attention.unflatten(2, middle.shape[2:]), 2).flatten(2) * 4
        pooled = torch.cat(
            [
                self.deep_norm(coarse @ deep.flatten(2).transpose(1, 2)),
                self.middle_norm(attention @ middle.flatten(2).transpose(1, 2)),
            ],
            dim=2,
        )
        whole = torch.cat(
            [self.deep_norm(deep.mean(dim=(2, 3))), self.middle_norm(middle.mean(dim=(2, 3)))], dim=1
        )
        k = self.n_attributes
        evidence = torch.cat([pooled[:, :k], whole[:, None].expand(-1, k, -1)], dim=2)
        # a product of matrices, since OpenVINO adds a bias after a sum to the wrong axis
        # (openvinotoolkit/openvino issue 23616)
        logits = (evidence[:, :, None] @ self.attribute_weight[:, :, None])[:, :, 0, 0] + self.attribute_bias
        colours = attention[:, :k] @ named.flatten(2).transpose(1, 2)
        # the colour of a coat counts as much as a coat is likely
        worn = (colours * logits.sigmoid()[:, :, None]).flatten(1)
        parts = [self.region(pooled[:, k:]).flatten(1), self.whole(whole), torch.tanh(logits / 4), worn]
        embeddings = nn.functional.normalize(self.embed(torch.cat(parts, dim=1)) + self.coloured(worn), dim=1)
        return Looked(embeddings, logits, attention[:, :k], colours)

    def _features(self, normalised: Tensor, named: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the trunk: (b, 1280, 14, 7), and (b, 184, 28, 14)."""
        feature = self.trunk.bn1(self.trunk.conv_stem(normalised))
        middle = [_mean_colours(normalised), named]
        for index, block in enumerate(self.trunk.blocks):
            feature = block(feature)
            if index == _AT_8:
                middle.append(nn.functional.avg_pool2d(feature, 2))
            if index == _AT_16:
                middle.append(feature)
        return self.trunk.bn2(self.trunk.conv_head(feature)), torch.cat(middle, dim=1)


def _mean_colours(normalised: Tensor) -> Tensor:
    """Map (b, 3, 448, 224) to (b, 3, 28, 14): means of 16 x 16 pixels, by a convolution, which OpenVINO
    computes several times faster than average pooling of so few channels.
    """
    each = torch.eye(3, device=normalised.device, dtype=normalised.dtype) / 16**2
    return nn.functional.conv2d(normalised, each[:, :, None, None].expand(-1, -1, 16, 16), stride=16)


def shipped_describer(folder: Path = FOLDER) -> tuple[DescriberNetwork, tuple[str, ...]]:
    """Return the shipped network and the names of its attributes.

    Raises:
        WeightsError: The shipped file is missing or damaged.
    """
    state, metadata = read_shipped(FILES[1], folder)
    attributes = tuple(json.loads(metadata["attributes"]))
    network = DescriberNetwork(len(attributes))
    load_state(network, state, FILES[1])
    return network, attributes
