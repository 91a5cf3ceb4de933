"""How near the paper's detector runs to what the processor can do: one thread, random weights, 800 x 1088
pixels.

    python benchmarks/limits.py

Compares the largest convolution of the network, which is as good as the arithmetic units get, with backbone,
pyramid and RPN as a whole.
"""

import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from machine import provenance
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from par_core.models.conversion import compile_module
from par_core.models.mask_rcnn import build_mask_rcnn
from par_core.models.runtimes import OpenVinoRuntime

SEED = 0
SIZE = (800, 1088)


class Detector(nn.Module):
    """Everything of a Mask R-CNN that runs once for every picture."""

    def __init__(self) -> None:
        super().__init__()
        network = build_mask_rcnn("resnet50-fpn").eval()
        self.backbone, self.head = network.backbone, network.rpn.head

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Pyramid, objectness and box deltas of one picture."""
        pyramid = list(self.backbone(images).values())
        objectness, deltas = self.head(pyramid)
        return (*pyramid, *objectness, *deltas)


def seconds(run: Callable[[], Any], turns: int) -> float:
    """Median of some turns after a warm-up."""
    run()
    times = []
    for _ in range(turns):
        started = time.monotonic()
        run()
        times.append(time.monotonic() - started)
    return median(times)


def measured(module: nn.Module, example: Tensor, key: str, turns: int) -> dict[str, float]:
    """GFLOP of one pass, and GFLOP/s in fp32 (torch) and bf16 (OpenVINO)."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(example)
    work = counter.get_total_flops() / 1e9
    with torch.no_grad():
        fp32 = seconds(lambda: module(example), turns)
    array = example.numpy()
    compiled = compile_module(OpenVinoRuntime("bf16"), module, (array,), f"limits/{key}")
    bf16 = seconds(lambda: compiled(array), turns)
    return {
        "gflop": work,
        "fp32_s": fp32,
        "bf16_s": bf16,
        "fp32_gflop_per_s": work / fp32,
        "bf16_gflop_per_s": work / bf16,
        "ratio": fp32 / bf16,
    }


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    convolution = nn.Conv2d(256, 256, 3, padding=1).eval()
    largest = measured(convolution, torch.randn(1, 256, SIZE[0] // 4, SIZE[1] // 4), "convolution", 5)
    detector = measured(Detector().eval(), torch.randn(1, 3, *SIZE), "detector", 3)
    print(
        json.dumps(
            {"part": "limits", "largest_convolution": largest, "detector": detector, **provenance(SEED)},
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
