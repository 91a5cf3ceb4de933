"""Mask R-CNN (He, Gkioxari, Dollár, Girshick, ICCV 2017) in three sizes, built from torchvision's own parts.

``compact`` replaces the ResNet-50 by EfficientNet-Lite0 (Tan and Le, ICML 2019, without squeeze-excitation
and swish) and narrows the feature pyramid (Lin et al., CVPR 2017) and the heads; it knows two classes,
background and person. ``resnet50-fpn`` and ``resnet50-fpn-v2`` are torchvision's models of 91 COCO classes,
for the weights that torchvision publishes.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Literal

import timm
import torch
from timm.layers import freeze_batch_norm_2d
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from par_core.models.regions import COMPACT_ANCHORS
from par_core.models.segmenter_settings import COMPACT_SETTINGS

__all__ = ["Architecture", "build_mask_rcnn", "load_imagenet_weights"]

Architecture = Literal["compact", "resnet50-fpn", "resnet50-fpn-v2"]

_PYRAMID_CHANNELS = 128
_BOX_CHANNELS = 384
_MASK_CHANNELS = 128
_BOX_POOL = 7


class LiteBackbone(nn.Module):
    """EfficientNet-Lite0 features at strides 4 to 32 and a pyramid on them, with stride 64 from max pooling.

    Attributes:
        out_channels: Channels of each of the five levels "0", "1", "2", "3" and "pool".
        body_in_fp32: Whether the features are computed in fp32 even under autocast: this is faster for a
            mobile network on a CPU.
    """

    out_channels = _PYRAMID_CHANNELS
    body_in_fp32 = False

    def __init__(self) -> None:
        super().__init__()
        body = timm.create_model(
            "tf_efficientnet_lite0", pretrained=False, features_only=True, out_indices=(1, 2, 3, 4)
        )
        self.fpn = FeaturePyramidNetwork(body.feature_info.channels(), _PYRAMID_CHANNELS, LastLevelMaxPool())
        self.body = freeze_batch_norm_2d(body)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Compute the pyramid.

        Args:
            images: (b, 3, h, w), normalised; h and w multiples of 32.
        """
        with torch.autocast(images.device.type, enabled=False) if self.body_in_fp32 else nullcontext():
            features = self.body(images)
        pyramid: dict[str, Tensor] = self.fpn({str(level): feature for level, feature in enumerate(features)})
        return pyramid


def build_mask_rcnn(architecture: Architecture) -> MaskRCNN:
    """Build a network with random weights.

    The network carries torchvision's inference settings of the original; PAR's segmenter brings its own.
    """
    match architecture:
        case "resnet50-fpn":
            return maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
        case "resnet50-fpn-v2":
            return maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
        case "compact":
            classes = 2
            return MaskRCNN(
                LiteBackbone(),
                rpn_anchor_generator=AnchorGenerator(
                    COMPACT_ANCHORS.sizes, (COMPACT_ANCHORS.ratios,) * len(COMPACT_ANCHORS.sizes)
                ),
                box_head=TwoMLPHead(_PYRAMID_CHANNELS * _BOX_POOL**2, _BOX_CHANNELS),
                box_predictor=FastRCNNPredictor(_BOX_CHANNELS, classes),
                mask_head=MaskRCNNHeads(_PYRAMID_CHANNELS, (_MASK_CHANNELS,) * 4, 1),
                mask_predictor=MaskRCNNPredictor(_MASK_CHANNELS, _MASK_CHANNELS, classes),
                min_size=640,
                max_size=896,
                image_mean=list(COMPACT_SETTINGS.mean),
                image_std=list(COMPACT_SETTINGS.std),
            )


def load_imagenet_weights(network: MaskRCNN, published: Mapping[str, Tensor]) -> None:
    """Start the backbone of a ``compact`` network from ImageNet weights.

    Args:
        network: Changed in place.
        published: State of an EfficientNet-Lite0 classifier whose tensors come in the same order as timm's.

    Raises:
        ValueError: The tensors are not those of an EfficientNet-Lite0.
    """
    names = list(timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict())
    backbone = network.backbone.body
    if len(names) != len(published):
        raise ValueError(f"expected the {len(names)} tensors of an EfficientNet-Lite0, got {len(published)}")
    renamed = dict(zip(names, published.values(), strict=True))
    backbone.load_state_dict({name: renamed[name] for name in backbone.state_dict()})
