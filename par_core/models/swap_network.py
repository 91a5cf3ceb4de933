"""The network of ``par generate swap``: the structure of one person, the clothes of another.

A person is a picture of 128 x 64 and a map of seven parts. The structure is what a grey picture and the map
tell, in instance-normalised feature maps; the appearance is a code for each part, pooled over its pixels. The
generator paints the codes by the map into the norms of its layers (after Park et al., "Semantic Image
Synthesis with Spatially-Adaptive Normalization", CVPR 2019, and Zhu et al., "SEAN", CVPR 2020). Separating
structure from appearance follows Zheng et al., "Joint Discriminative and Generative Learning for Person
Re-identification", CVPR 2019, as an idea; the layers and losses are PAR's own.
"""

from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from par_core.attributes.clothing_parts import LEAST_SHOWN, PARTS

__all__ = ["CODE", "SwapNetwork", "generated", "shown", "swapped_codes"]

_FEATURES: Final = 48
#: Numbers of a part's code: pooled features, and mean and deviation of its colours.
CODE: Final = _FEATURES + 6
_PARTS: Final = len(PARTS)
_UPPER, _LOWER, _FEET = (PARTS.index(name) for name in ("upper", "lower", "feet"))
_MEAN: Final = slice(_FEATURES, _FEATURES + 3)  # where the mean colour stands in a code
_EPSILON: Final = 0.02  # of a mean colour, from 0 and 1
_SLOPE: Final = 0.2

Pictures = Float[Tensor, "n 3 h w"]
Parts = Float[Tensor, "n parts h w"]
Codes = Float[Tensor, "n parts code"]


class _Structure(nn.Module):
    """Grey picture and parts to feature maps of a quarter and of half of the size.

    Four neighbouring pixels are the channels of one, so that no layer runs at the whole size.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4 * (1 + _PARTS), 32, 3, padding=1)
        self.second = nn.Conv2d(32, 64, 4, 2, 1)
        self.third = nn.Conv2d(64, 64, 3, padding=1)

    def forward(self, pictures: Tensor, parts: Tensor) -> tuple[Tensor, Tensor]:
        grey = pictures.mean(dim=1, keepdim=True)
        half = F.pixel_unshuffle(torch.cat([grey, parts], dim=1), 2)
        half = _rectified(F.instance_norm(self.first(half)))
        quarter = _rectified(F.instance_norm(self.second(half)))
        return F.instance_norm(self.third(quarter)), half


class _Appearance(nn.Module):
    """Colour picture to a code for each part; no norm, which would take the colour away."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 24, 4, 2, 1),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(24, 48, 4, 2, 1),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(48, _FEATURES, 3, padding=1),
            nn.LeakyReLU(_SLOPE),
        )

    def forward(self, pictures: Tensor, parts: Tensor) -> Tensor:
        features = self.layers(pictures).float()
        coarse = F.avg_pool2d(parts, 4)
        colours = _pooled(pictures, parts)
        spread = (_pooled(pictures.square(), parts) - colours.square()).clamp(min=1e-6).sqrt()
        return torch.cat([_pooled(features, coarse), colours, spread], dim=2)


class _Modulated(nn.Module):
    """Convolution whose normalised output is scaled and shifted by the code of the part at each pixel."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, padding=1)
        self.code = nn.Linear(CODE, 2 * outside)

    def forward(self, features: Tensor, codes: Tensor, parts: Tensor) -> Tensor:
        normal = F.instance_norm(self.conv(features))
        painted = torch.einsum("npk,nphw->nkhw", self.code(codes), parts)
        scale, shift = painted.chunk(2, dim=1)
        return _rectified(normal * (1 + scale) + shift)


class _Generator(nn.Module):
    """Structure and codes to a picture of the size of the parts."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Modulated(64, 64) for _ in range(4))
        self.rise, self.refined = _Modulated(64, 48), _Modulated(48 + 32, 48)
        self.last = nn.Conv2d(48, 12, 3, padding=1)

    def forward(self, structure: tuple[Tensor, Tensor], codes: Tensor, parts: Tensor) -> Tensor:
        features, fine = structure
        half, quarter = F.avg_pool2d(parts, 2), F.avg_pool2d(parts, 4)
        for block in self.blocks:
            features = features + block(features, codes, quarter)
        risen = F.interpolate(features, scale_factor=2, mode="nearest")
        risen = self.rise(risen, codes, half)
        risen = self.refined(torch.cat([risen, fine.to(risen.dtype)], dim=1), codes, half)
        change = F.pixel_shuffle(self.last(risen), 2).float()
        # each part begins with its mean colour, and the layers paint light, folds and patterns over it
        colours = torch.einsum("npk,nphw->nkhw", codes[..., _MEAN].float(), parts)
        painted = torch.sigmoid(torch.logit(colours, eps=_EPSILON) + change)
        person = 1 - parts[:, :1]
        return painted * person + 0.5 * (1 - person)


class _Patches(nn.Module):
    """Tells real patches from made ones, at one scale; spectral norm (Miyato et al., ICLR 2018)."""

    def __init__(self) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.layers = nn.Sequential(
            norm(nn.Conv2d(3 + _PARTS, 32, 4, 2, 1)),
            nn.LeakyReLU(_SLOPE),
            norm(nn.Conv2d(32, 64, 4, 2, 1)),
            nn.LeakyReLU(_SLOPE),
            norm(nn.Conv2d(64, 96, 3, 1, 1)),
            nn.LeakyReLU(_SLOPE),
            norm(nn.Conv2d(96, 1, 3, 1, 1)),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        return self.layers(pictures).float()


class _Discriminator(nn.Module):
    """Two scales."""

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ModuleList([_Patches(), _Patches()])

    def forward(self, pictures: Tensor, parts: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.cat([pictures, parts], dim=1)
        return self.scales[0](both), self.scales[1](F.avg_pool2d(both, 2))


class SwapNetwork(nn.Module):
    """Everything: structure, appearance, generator, and the discriminator that only training needs."""

    def __init__(self) -> None:
        super().__init__()
        self.structure, self.appearance = _Structure(), _Appearance()
        self.generator, self.discriminator = _Generator(), _Discriminator()

    def forward(self, pictures: Pictures, parts: Parts, donors: Pictures, donor_parts: Parts) -> Pictures:
        """Dress people in the clothes of others.

        Args:
            pictures: n people, RGB in [0, 1].
            parts: Which part each pixel shows, one channel a part, background first.
            donors: As many others.
            donor_parts: Their parts.
        """
        own, theirs = self.appearance(pictures, parts), self.appearance(donors, donor_parts)
        codes = swapped_codes(own, theirs, donor_parts)
        return generated(self, pictures, parts, codes)


def generated(network: SwapNetwork, pictures: Pictures, parts: Parts, codes: Codes) -> Pictures:
    """Pictures with the structure of some people and the codes of any."""
    return network.generator(network.structure(pictures, parts), codes, parts)


def swapped_codes(own: Codes, theirs: Codes, their_parts: Parts) -> Codes:
    """Return the codes of people with the clothes of others: upper, lower, feet.

    Hair, skin and what is carried stay. A part that the other does not show stays too; who wears nothing on
    the lower body alone, as in a dress, lends the upper garment to it.
    """
    there, codes = shown(their_parts), own.clone()
    for part, lent in ((_UPPER, _UPPER), (_LOWER, _UPPER), (_LOWER, _LOWER), (_FEET, _FEET)):
        codes[:, part] = torch.where(there[:, lent, None], theirs[:, lent], codes[:, part])
    return codes


def shown(parts: Parts) -> Bool[Tensor, "n parts"]:
    """Which parts show enough pixels."""
    return parts.sum(dim=(2, 3)) >= LEAST_SHOWN


def _pooled(features: Tensor, parts: Tensor) -> Tensor:
    """Mean of features over each part; 0 where it is not there."""
    total = torch.einsum("nkhw,nphw->npk", features, parts)
    return total / parts.sum(dim=(2, 3)).clamp(min=1e-3)[..., None]


def _rectified(features: Tensor) -> Tensor:
    return F.leaky_relu(features, _SLOPE)
