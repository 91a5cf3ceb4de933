"""Mask R-CNN inference behind PAR's contract, on any runtime.

The network runs in three compiled parts: backbone with RPN head, box head, mask head. The code between them
(anchors, proposals, RoIAlign, non-maximum suppression) is torchvision's own. People are picked before the
mask head, and masks are pasted inside their boxes only.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torchvision.transforms.v2.functional as F
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers

from par_core.models.mask_rcnn import PERSON_LABEL, Architecture, build_mask_rcnn
from par_core.models.pasting import paste_masks
from par_core.models.runtimes import Runtime
from par_core.models.weights import load_state, read_published, read_shipped
from par_core.people.geometry import clip_boxes
from par_core.types import BoxesXYXY, ImageU8, MaskRLE, PersonInstances

__all__ = [
    "COMPACT_FILE",
    "COMPACT_SETTINGS",
    "PUBLISHED_SETTINGS",
    "MaskRCNNSegmenter",
    "SegmenterSettings",
    "compact_network",
    "published_network",
    "random_network",
]

COMPACT_FILE: Final = "segmenter-compact.safetensors"
_STRIDE: Final = 32  # images are padded to multiples of this


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """Settings of the original paper's inference (He et al. 2017, section 3.1), where they decide the result.

    Attributes:
        min_side: Pixels of the shorter side of a resized image...
        max_side: ...unless the longer side would then have more pixels than this...
        max_height: ...or the height more than this: no person is higher than the picture, and the largest
            anchor must fit the highest person.
        min_score: Lowest score of a person.
        proposals: Largest number of regions that go from the RPN to the box head...
        min_objectness: ...among those with at least this objectness: a picture of few people has few, and
            costs less.
        nms_iou: Overlap (IoU) above which the weaker of two boxes is dropped.
        max_people: Largest number of people in one image.
        smooth: Whether images are shrunk with a filter against aliasing; torchvision's published weights were
            trained without.
    """

    min_side: int
    max_side: int
    min_score: float
    proposals: int = 300
    min_objectness: float = 0.0
    nms_iou: float = 0.5
    max_people: int = 200
    max_height: int | None = None
    smooth: bool = True


#: Settings of the shipped weights; the thresholds were chosen on photographs held out from training.
COMPACT_SETTINGS: Final = SegmenterSettings(
    min_side=640, max_side=896, max_height=800, min_score=0.75, min_objectness=0.3
)

#: Settings of torchvision's published weights: its own pipeline exactly, except for the threshold.
PUBLISHED_SETTINGS: Final = SegmenterSettings(
    min_side=800, max_side=1333, min_score=0.5, proposals=1000, smooth=False
)


class MaskRCNNSegmenter:
    """Segments people with a Mask R-CNN.

    Args:
        network: Network with trained weights.
        settings: Settings of the inference.
        fingerprint: Digest of weights, settings and code.
        name: Name of the architecture, for people.
        runtime: Runtime that computes the network.
    """

    def __init__(
        self, network: MaskRCNN, settings: SegmenterSettings, fingerprint: str, name: str, runtime: Runtime
    ) -> None:
        self.fingerprint = fingerprint
        self._settings = settings
        self._device = runtime.device
        network = network.eval()
        self._mean, self._std = (
            torch.tensor(values).view(3, 1, 1)
            for values in (network.transform.image_mean, network.transform.image_std)
        )
        self._rpn, self._roi = network.rpn, network.roi_heads
        self._rpn._pre_nms_top_n = {"training": settings.proposals, "testing": settings.proposals}
        self._rpn._post_nms_top_n = {"training": settings.proposals, "testing": settings.proposals}
        self._rpn.score_thresh = settings.min_objectness
        self._roi.score_thresh, self._roi.nms_thresh, self._roi.detections_per_img = (
            settings.min_score,
            settings.nms_iou,
            settings.max_people,
        )
        features = _Features(network)
        self._levels = features.levels
        channels = network.backbone.out_channels
        seeded = torch.Generator().manual_seed(0)
        self._features = runtime.compile(
            features, (torch.randn(1, 3, 256, 320, generator=seeded),), f"{fingerprint}/features"
        )
        box_head, mask_head = (
            nn.Sequential(self._roi.box_head, self._roi.box_predictor),
            nn.Sequential(self._roi.mask_head, self._roi.mask_predictor),
        )
        self._box_head = runtime.compile(
            box_head, (torch.rand(16, channels, 7, 7, generator=seeded),), f"{fingerprint}/box"
        )
        self._mask_head = runtime.compile(
            mask_head, (torch.rand(4, channels, 14, 14, generator=seeded),), f"{fingerprint}/mask"
        )
        self.summary = f"{name} ({runtime.name}, {runtime.precision})"

    def segment(self, images: Sequence[ImageU8]) -> list[PersonInstances]:
        """Segment images one by one: on a CPU a batch is no faster, and sizes differ."""
        with torch.no_grad():
            return [self._segment(image) for image in images]

    def outline(self, image: ImageU8, boxes: BoxesXYXY) -> tuple[MaskRLE, ...]:
        """Return the masks of people whose boxes are known, (n, 4) in pixels of the image, in their order."""
        with torch.no_grad():
            prepared, rows, columns = self._prepare(image)
            outputs = [
                tensor.to(self._device) for tensor in self._features(prepared[None])[: len(self._levels)]
            ]
            features = OrderedDict(zip(self._levels, outputs, strict=True))
            placed = torch.from_numpy(boxes)
            shrunk = (placed / _scale(image.shape[:2], (rows, columns))).to(self._device)
            return self._masks(features, shrunk, placed, (rows, columns), image.shape[:2])

    def _segment(self, image: ImageU8) -> PersonInstances:
        height, width = image.shape[:2]
        prepared, rows, columns = self._prepare(image)
        outputs = [tensor.to(self._device) for tensor in self._features(prepared[None])]
        n = len(self._levels)
        features = OrderedDict(zip(self._levels, outputs[:n], strict=True))
        proposals = self._propose(
            outputs[:n], outputs[n : 2 * n], outputs[2 * n :], prepared, (rows, columns)
        )
        boxes, scores = self._people(features, proposals, (rows, columns))
        placed = (boxes * _scale((height, width), (rows, columns)).to(boxes.device)).cpu()
        masks = self._masks(features, boxes, placed, (rows, columns), (height, width))
        return PersonInstances(
            clip_boxes(placed.numpy().astype(np.float32), width=width, height=height),
            scores.cpu().numpy().astype(np.float32),
            masks,
        )

    def _masks(
        self,
        features: "OrderedDict[str, Tensor]",
        boxes: Tensor,
        placed: Tensor,
        resized: tuple[int, int],
        whole: tuple[int, int],
    ) -> tuple[MaskRLE, ...]:
        """The masks of boxes: ``boxes`` in the resized picture of the size ``resized``, ``placed`` in the
        image of the size ``whole``.
        """
        if not len(boxes):
            return ()
        pooled = self._roi.mask_roi_pool(features, [boxes], [resized])
        probabilities = self._mask_head(pooled)[0][:, PERSON_LABEL].sigmoid().cpu()
        return paste_masks(probabilities, placed, whole)

    def _prepare(self, image: ImageU8) -> tuple[Tensor, int, int]:
        """Resize, normalise and pad with zeros; return (3, h, w), and the height and width of the picture in
        it.
        """
        height, width = image.shape[:2]
        scale = min(
            self._settings.min_side / min(height, width), self._settings.max_side / max(height, width)
        )
        if self._settings.max_height is not None:
            scale = min(scale, self._settings.max_height / height)
        picture = torch.from_numpy(np.require(image, requirements=["C", "W"])).permute(2, 0, 1)
        if self._settings.smooth:
            rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
            resized = self._normalised(
                F.resize(picture, [rows, columns], interpolation=F.InterpolationMode.BILINEAR, antialias=True)
            )
        else:
            rows, columns = max(1, int(height * scale)), max(1, int(width * scale))
            resized = nn.functional.interpolate(
                self._normalised(picture)[None], size=(rows, columns), mode="bilinear"
            )[0]
        padded_rows, padded_columns = (-(-side // _STRIDE) * _STRIDE for side in (rows, columns))
        canvas = torch.zeros(3, padded_rows, padded_columns)
        canvas[:, :rows, :columns] = resized
        return canvas, rows, columns

    def _normalised(self, picture: Tensor) -> Tensor:
        return (picture.float() / 255 - self._mean) / self._std

    def _propose(
        self,
        features: list[Tensor],
        objectness: list[Tensor],
        deltas: list[Tensor],
        prepared: Tensor,
        size: tuple[int, int],
    ) -> list[Tensor]:
        anchors = self._rpn.anchor_generator(ImageList(prepared[None].to(self._device), [size]), features)
        per_level = [level[0].numel() for level in objectness]
        flat_objectness, flat_deltas = concat_box_prediction_layers(objectness, deltas)
        proposals = self._rpn.box_coder.decode(flat_deltas, anchors).view(1, -1, 4)
        return self._rpn.filter_proposals(proposals, flat_objectness, [size], per_level)[0]

    def _people(
        self, features: "OrderedDict[str, Tensor]", proposals: list[Tensor], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Boxes (n, 4) in the resized picture and scores (n,), highest first."""
        if not len(proposals[0]):
            return torch.zeros(0, 4), torch.zeros(0)
        pooled = self._roi.box_roi_pool(features, proposals, [size])
        logits, deltas = (tensor.to(self._device) for tensor in self._box_head(pooled))
        boxes, scores, labels = (
            images[0] for images in self._roi.postprocess_detections(logits, deltas, proposals, [size])
        )
        people = labels == PERSON_LABEL
        return boxes[people], scores[people]


def compact_network() -> MaskRCNN:
    """Build the shipped network."""
    state, _ = read_shipped(COMPACT_FILE)
    network = build_mask_rcnn("compact")
    load_state(network, state, COMPACT_FILE)
    return network


def published_network(architecture: Architecture, weights: Path) -> MaskRCNN:
    """Build torchvision's network with the weights that torchvision publishes."""
    network = build_mask_rcnn(architecture)
    load_state(network, read_published(weights, f"segmenter ({architecture})"), str(weights))
    return network


def random_network(architecture: Architecture, seed: int) -> MaskRCNN:
    """Build a network with random weights, for benchmarks and tests."""
    torch.manual_seed(seed)
    return build_mask_rcnn(architecture)


class _Features(nn.Module):
    """Backbone and RPN head: one picture in, pyramid, objectness and box deltas of all levels out."""

    def __init__(self, network: MaskRCNN) -> None:
        super().__init__()
        self.backbone, self.head = network.backbone, network.rpn.head
        with torch.no_grad():
            self.levels = list(self.backbone(torch.zeros(1, 3, 64, 64)))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        pyramid = list(self.backbone(images).values())
        objectness, deltas = self.head(pyramid)
        return (*pyramid, *objectness, *deltas)


def _scale(whole: tuple[int, ...], resized: tuple[int, int]) -> Tensor:
    """Factors (4,) of boxes from pixels of the resized picture to those of the image; sizes are height and
    width.
    """
    return torch.tensor([whole[1] / resized[1], whole[0] / resized[0]] * 2)
