"""Mask R-CNN networks of torch behind PAR's contract: on torch with torchvision's own code between the parts,
or converted for OpenVINO.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers

from par_core.models.conversion import convert, for_even_sides
from par_core.models.detector import BOX_BINS, MASK_BINS, OpenVinoDetector, channels_last, examples
from par_core.models.mask_rcnn import Architecture, build_mask_rcnn
from par_core.models.regions import PERSON_LABEL, Anchors
from par_core.models.runtimes import Arrays, Runtime
from par_core.models.segmenter import Found, MaskProbabilities, MaskRCNNSegmenter
from par_core.models.segmenter_input import Prepared
from par_core.models.segmenter_settings import SegmenterSettings
from par_core.models.shipped import FILES, FOLDER
from par_core.models.weights import load_state, read_published, read_shipped
from par_core.types import BoxesXYXY

__all__ = [
    "TorchDetector",
    "compact_network",
    "openvino_parts",
    "published_network",
    "random_network",
    "segmenter_of",
]


def segmenter_of(
    network: MaskRCNN,
    settings: SegmenterSettings,
    fingerprint: str,
    name: str,
    runtime: Runtime,
    *,
    in_batches: bool | None = None,
) -> MaskRCNNSegmenter:
    """Return a segmenter of a network.

    Args:
        network: Network with trained weights; a torch runtime may move it and change its precision.
        settings: Settings of the inference.
        fingerprint: Digest of weights, settings and code.
        name: Name of the architecture, for people.
        runtime: Runtime that computes the network.
        in_batches: Whether a torch network sees several images at once; None does so on a GPU.
    """
    detector: TorchDetector | OpenVinoDetector
    if runtime.name == "openvino":
        parts: list[Any] = [
            runtime.compile(make, typical, f"{fingerprint}/{part}")
            for part, (make, typical) in openvino_parts(network).items()
        ]
        features, box, mask = parts
        generator = network.rpn.anchor_generator
        anchors = Anchors(tuple(map(tuple, generator.sizes)), tuple(generator.aspect_ratios[0]))
        detector = OpenVinoDetector(features, box, mask, anchors, settings)
    else:
        detector = TorchDetector(network, settings, fingerprint, runtime, in_batches=in_batches)
    return MaskRCNNSegmenter(detector, settings, fingerprint, f"{name} ({runtime.name}, {runtime.precision})")


def openvino_parts(network: MaskRCNN) -> dict[str, tuple[Callable[[], Any], Arrays]]:
    """Return the networks of an :class:`OpenVinoDetector` with typical inputs, in its order."""
    parts = _Parts(network)
    pictures, boxes, masks = examples(network.backbone.out_channels)
    return {
        "features": (lambda: channels_last(convert(for_even_sides(parts.features), pictures)), pictures),
        "boxes": (lambda: convert(_ChannelsLast(parts.box), boxes), boxes),
        "masks": (lambda: convert(_ChannelsLast(parts.mask), masks), masks),
    }


class TorchDetector:
    """Finds people with torch, on a CPU or a GPU.

    Args:
        network: Network with trained weights.
        settings: Settings of the inference.
        fingerprint: Name of network and weights.
        runtime: Runtime of torch that computes the parts.
        in_batches: Whether it sees several images at once; None does so on a GPU.
    """

    def __init__(
        self,
        network: MaskRCNN,
        settings: SegmenterSettings,
        fingerprint: str,
        runtime: Runtime,
        *,
        in_batches: bool | None = None,
    ) -> None:
        self.in_batches = runtime.device != "cpu" if in_batches is None else in_batches
        network = network.eval()
        self._device = torch.device(runtime.device)
        self._rpn, self._roi = network.rpn, network.roi_heads
        self._rpn._pre_nms_top_n = {"training": settings.proposals, "testing": settings.proposals}
        self._rpn._post_nms_top_n = {"training": settings.proposals, "testing": settings.proposals}
        self._rpn.score_thresh = settings.min_objectness
        self._roi.score_thresh, self._roi.nms_thresh, self._roi.detections_per_img = (
            settings.min_score,
            settings.nms_iou,
            settings.max_people,
        )
        parts = _Parts(network)
        self._levels = parts.features.levels
        channels = network.backbone.out_channels
        pictures, *_ = examples(channels)
        rng = np.random.default_rng(0)

        def compiled(module: nn.Module, typical: Arrays, name: str) -> Any:
            return runtime.compile(module, typical, f"{fingerprint}/{name}")

        self._features = compiled(parts.features, pictures, "features")
        self._box_head, self._mask_head = (
            compiled(module, (rng.random((n, channels, bins, bins), np.float32),), name)
            for module, n, bins, name in (
                (parts.box, 16, BOX_BINS, "box"),
                (parts.mask, 4, MASK_BINS, "mask"),
            )
        )

    def find(self, images: Sequence[Prepared]) -> list[Found]:
        """Return the people of images of one padded size."""
        with torch.no_grad():
            outputs, n = self._computed(images), len(self._levels)
            features = OrderedDict(zip(self._levels, outputs[:n], strict=True))
            regions = self._propose(outputs[:n], outputs[n : 2 * n], outputs[2 * n :], images)
            boxes, scores = self._people(features, regions, images)
            masks = self._masks(features, boxes, images)
            return [
                Found(*(tensor.cpu().numpy() for tensor in found))
                for found in zip(boxes, scores, masks, strict=True)
            ]

    def outline(self, image: Prepared, boxes: BoxesXYXY) -> MaskProbabilities:
        """Return the masks of people whose boxes are known, in pixels of the resized picture."""
        with torch.no_grad():
            outputs = self._computed([image])[: len(self._levels)]
            features = OrderedDict(zip(self._levels, outputs, strict=True))
            return self._masks(features, [torch.from_numpy(boxes).to(self._device)], [image])[0].cpu().numpy()

    def _computed(self, images: Sequence[Prepared]) -> tuple[Tensor, ...]:
        """Pyramid, objectness and box deltas of a batch of images of one padded size."""
        batch = np.stack([image.pixels for image in images])
        outputs: tuple[Tensor, ...] = self._features.on_device(torch.from_numpy(batch))
        return outputs

    def _propose(
        self,
        features: Sequence[Tensor],
        objectness: Sequence[Tensor],
        deltas: Sequence[Tensor],
        images: Sequence[Prepared],
    ) -> list[Tensor]:
        """Regions (n, 4) of each image, in the resized picture."""
        sizes = [image.resized for image in images]
        shaped = torch.empty(1, device=self._device).expand(len(images), *images[0].pixels.shape)
        anchors = self._rpn.anchor_generator(ImageList(shaped, sizes), list(features))
        per_level = [level[0].numel() for level in objectness]
        flat_objectness, flat_deltas = concat_box_prediction_layers(list(objectness), list(deltas))
        proposals = self._rpn.box_coder.decode(flat_deltas, anchors).view(len(images), -1, 4)
        regions: list[Tensor] = self._rpn.filter_proposals(proposals, flat_objectness, sizes, per_level)[0]
        return regions

    def _people(
        self, features: "OrderedDict[str, Tensor]", regions: list[Tensor], images: Sequence[Prepared]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Boxes (n, 4) in the resized picture and scores (n,), highest first, of each image."""
        if not sum(map(len, regions)):
            return [torch.zeros(0, 4) for _ in images], [torch.zeros(0) for _ in images]
        sizes = [image.resized for image in images]
        logits, deltas = self._box_head.on_device(self._roi.box_roi_pool(features, regions, sizes))
        found = self._roi.postprocess_detections(logits, deltas, regions, sizes)
        boxes, scores = list[Tensor](), list[Tensor]()
        for inside, likely, labels in zip(*found, strict=True):
            boxes.append(inside[labels == PERSON_LABEL])
            scores.append(likely[labels == PERSON_LABEL])
        return boxes, scores

    def _masks(
        self, features: "OrderedDict[str, Tensor]", boxes: list[Tensor], images: Sequence[Prepared]
    ) -> list[Tensor]:
        """The probabilities of the masks of boxes, by image."""
        numbers = [len(inside) for inside in boxes]
        if not sum(numbers):
            return [torch.zeros(0, 2 * MASK_BINS, 2 * MASK_BINS) for _ in boxes]
        pooled = self._roi.mask_roi_pool(features, boxes, [image.resized for image in images])
        return list(self._mask_head.on_device(pooled)[0].sigmoid().split(numbers))


def compact_network(folder: Path = FOLDER) -> MaskRCNN:
    """Build the shipped network."""
    state, _ = read_shipped(FILES[0], folder)
    network = build_mask_rcnn("compact")
    load_state(network, state, FILES[0])
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


class _Parts:
    """The parts of a network that runtimes compile."""

    def __init__(self, network: MaskRCNN) -> None:
        roi = network.roi_heads
        self.features = _Features(network)
        self.box = nn.Sequential(roi.box_head, roi.box_predictor).eval()
        self.mask = _PersonMask(roi.mask_head, roi.mask_predictor).eval()


class _Features(nn.Module):
    """Backbone and RPN head: one picture in, pyramid, objectness and box deltas of all levels out."""

    def __init__(self, network: MaskRCNN) -> None:
        super().__init__()
        self.backbone, self.head = network.backbone.eval(), network.rpn.head
        device = next(network.parameters()).device
        with torch.no_grad():
            self.levels = list(self.backbone(torch.zeros(1, 3, 64, 64, device=device)))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        pyramid = list(self.backbone(images).values())
        objectness, deltas = self.head(pyramid)
        return (*pyramid, *objectness, *deltas)


class _PersonMask(nn.Module):
    """Mask head: pooled regions in, the mask logits of a person out."""

    def __init__(self, head: nn.Module, predictor: nn.Module) -> None:
        super().__init__()
        self.head, self.predictor = head, predictor

    def forward(self, pooled: Tensor) -> Tensor:
        logits: Tensor = self.predictor(self.head(pooled))[:, PERSON_LABEL]
        return logits


class _ChannelsLast(nn.Module):
    """A head of pooled regions (n, bins, bins, c)."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, pooled: Tensor) -> Tensor | tuple[Tensor, ...]:
        outputs: Tensor | tuple[Tensor, ...] = self.head(pooled.permute(0, 3, 1, 2))
        return outputs
