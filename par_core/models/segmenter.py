"""Mask R-CNN inference behind PAR's contract, on any runtime.

The network runs in three compiled parts: backbone with RPN head, box head, mask head. The code between them
(anchors, proposals, RoIAlign, non-maximum suppression) is torchvision's own. People are picked before the
mask head, and masks are pasted inside their boxes only.
"""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers

from par_core.models.mask_rcnn import PERSON_LABEL, Architecture, build_mask_rcnn
from par_core.models.pasting import paste_masks
from par_core.models.runtimes import Runtime
from par_core.models.segmenter_input import Prepared, SegmenterSettings, prepare
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
        in_batches: Whether the network sees several images at once; None does so on a GPU.
    """

    def __init__(
        self,
        network: MaskRCNN,
        settings: SegmenterSettings,
        fingerprint: str,
        name: str,
        runtime: Runtime,
        *,
        in_batches: bool | None = None,
    ) -> None:
        self.fingerprint = fingerprint
        self._in_batches = runtime.device.type == "cuda" if in_batches is None else in_batches
        self._settings = settings
        self._device = runtime.device
        network = network.eval()
        self._mean, self._std = network.transform.image_mean, network.transform.image_std
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
        """Segment images of any sizes.

        With ``in_batches`` the network sees images of one padded size together, which fills a GPU; an image
        gives the same people as alone, but for rounding. Otherwise it sees them one by one: on a CPU a batch
        is no faster.
        """
        with torch.no_grad():
            if not self._in_batches:
                return [self._segment([self._prepared(image)])[0] for image in images]
            prepared = [self._prepared(image) for image in images]
            people: dict[int, PersonInstances] = {}
            for numbers in _of_equal_size(prepared):
                people.update(zip(numbers, self._segment([prepared[i] for i in numbers]), strict=True))
            return [people[i] for i in range(len(images))]

    def outline(self, image: ImageU8, boxes: BoxesXYXY) -> tuple[MaskRLE, ...]:
        """Return the masks of people whose boxes are known, (n, 4) in pixels of the image, in their order."""
        with torch.no_grad():
            prepared = self._prepared(image)
            outputs = self._computed([prepared])[: len(self._levels)]
            features = OrderedDict(zip(self._levels, outputs, strict=True))
            placed = torch.from_numpy(boxes)
            return self._masks(features, [(placed / prepared.scale).to(self._device)], [placed], [prepared])[
                0
            ]

    def _prepared(self, image: ImageU8) -> Prepared:
        return prepare(image, self._settings, self._mean, self._std)

    def _computed(self, prepared: Sequence[Prepared]) -> list[Tensor]:
        """Pyramid, objectness and box deltas of a batch of images of one padded size."""
        return [
            tensor.to(self._device)
            for tensor in self._features(torch.stack([image.pixels for image in prepared]))
        ]

    def _segment(self, prepared: Sequence[Prepared]) -> list[PersonInstances]:
        """Segment a batch of images of one padded size."""
        outputs, n = self._computed(prepared), len(self._levels)
        features = OrderedDict(zip(self._levels, outputs[:n], strict=True))
        proposals = self._propose(outputs[:n], outputs[n : 2 * n], outputs[2 * n :], prepared)
        boxes, scores = self._people(features, proposals, prepared)
        placed = [
            (inside * image.scale.to(inside.device)).cpu()
            for inside, image in zip(boxes, prepared, strict=True)
        ]
        masks = self._masks(features, boxes, placed, prepared)
        return [
            PersonInstances(
                clip_boxes(placed[i].numpy().astype(np.float32), width=image.whole[1], height=image.whole[0]),
                scores[i].cpu().numpy().astype(np.float32),
                masks[i],
            )
            for i, image in enumerate(prepared)
        ]

    def _masks(
        self,
        features: "OrderedDict[str, Tensor]",
        boxes: list[Tensor],
        placed: list[Tensor],
        prepared: Sequence[Prepared],
    ) -> list[tuple[MaskRLE, ...]]:
        """The masks of boxes, by image: ``boxes`` in the resized pictures, ``placed`` in the images."""
        numbers = [len(inside) for inside in boxes]
        if not sum(numbers):
            return [() for _ in boxes]
        pooled = self._roi.mask_roi_pool(features, boxes, [image.resized for image in prepared])
        probabilities = self._mask_head(pooled)[0][:, PERSON_LABEL].sigmoid().cpu()
        return [
            paste_masks(part, where, image.whole)
            for part, where, image in zip(probabilities.split(numbers), placed, prepared, strict=True)
        ]

    def _propose(
        self,
        features: list[Tensor],
        objectness: list[Tensor],
        deltas: list[Tensor],
        prepared: Sequence[Prepared],
    ) -> list[Tensor]:
        """Regions (n, 4) of each image, in the resized picture."""
        sizes = [image.resized for image in prepared]
        shaped = prepared[0].pixels.expand(len(prepared), -1, -1, -1)  # only the shape is used
        batch = ImageList(shaped, sizes)
        anchors = self._rpn.anchor_generator(batch, features)
        per_level = [level[0].numel() for level in objectness]
        flat_objectness, flat_deltas = concat_box_prediction_layers(objectness, deltas)
        proposals = self._rpn.box_coder.decode(flat_deltas, anchors).view(len(prepared), -1, 4)
        regions: list[Tensor] = self._rpn.filter_proposals(proposals, flat_objectness, sizes, per_level)[0]
        return regions

    def _people(
        self, features: "OrderedDict[str, Tensor]", proposals: list[Tensor], prepared: Sequence[Prepared]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Boxes (n, 4) in the resized picture and scores (n,), highest first, of each image."""
        if not sum(map(len, proposals)):
            return [torch.zeros(0, 4) for _ in prepared], [torch.zeros(0) for _ in prepared]
        sizes = [image.resized for image in prepared]
        pooled = self._roi.box_roi_pool(features, proposals, sizes)
        logits, deltas = (tensor.to(self._device) for tensor in self._box_head(pooled))
        found = self._roi.postprocess_detections(logits, deltas, proposals, sizes)
        boxes, scores = list[Tensor](), list[Tensor]()
        for inside, likely, labels in zip(*found, strict=True):
            boxes.append(inside[labels == PERSON_LABEL])
            scores.append(likely[labels == PERSON_LABEL])
        return boxes, scores


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


def _of_equal_size(prepared: Sequence[Prepared]) -> list[list[int]]:
    """Return the positions of images, those of one padded size together."""
    groups: dict[torch.Size, list[int]] = {}
    for number, image in enumerate(prepared):
        groups.setdefault(image.pixels.shape, []).append(number)
    return list(groups.values())
