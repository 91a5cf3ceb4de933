"""RoIAlign of the regions of photographs: how long each way to compute it takes, and how far the results are
from torchvision's. Prints one JSON.

    python benchmarks/pooling.py > benchmarks/results/pooling.json     # half a minute

The ways: torchvision's ``MultiScaleRoIAlign`` with one thread; OpenVINO's layer of Detectron
(``ExperimentalDetectronROIFeatureExtractor``), and its ``ROIAlign`` on the regions of each level; and
what PAR does, two small products a region (``par_core/models/pooling.py``), on levels in fp32 and in bf16.
Milliseconds are CPU time, the least of several turns; levels have the layout that each way wants, so that
changing it is not counted. ``ms`` are the medians of the photographs.
"""

import json
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torchvision.ops import MultiScaleRoIAlign

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance
from photos import natural_photos

from par_core.models import pooling
from par_core.models.compact import load_compact_segmenter
from par_core.models.detector import BOX_BINS
from par_core.models.openvino_library import cpu_settings, openvino_library
from par_core.models.pooling import STRIDES, pool_regions
from par_core.models.regions import COMPACT_ANCHORS, propose
from par_core.models.runtimes import OpenVinoRuntime
from par_core.models.segmenter_input import prepare
from par_core.models.segmenter_settings import COMPACT_SETTINGS

SEED: Final = 0
PHOTOS: Final = 8
TURNS: Final = 7
Levels = list[np.ndarray]


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    layer, by_level = _detectron(), _roi_align()
    ways: dict[str, Callable[[np.ndarray, Levels, Levels], np.ndarray]] = {
        "torchvision": lambda boxes, _, planes: _torchvision(boxes, planes),
        "openvino, layer of Detectron": lambda boxes, _, planes: layer(boxes, planes),
        "openvino, ROIAlign by level": lambda boxes, _, planes: by_level(boxes, planes),
        "par, fp32": lambda boxes, levels, _: pool_regions(boxes, levels, BOX_BINS),
    }
    ms: dict[str, list[float]] = {name: [] for name in (*ways, "par, bf16")}
    far: dict[str, float] = dict.fromkeys(ways, 0.0)
    numbers = []
    for boxes, levels in _regions():
        numbers.append(len(boxes))
        planes = [np.ascontiguousarray(level.transpose(2, 0, 1))[None] for level in levels]
        wanted = _torchvision(boxes, planes)
        for name, way in ways.items():
            taken, found = _least(partial(way, boxes, levels, planes))
            ms[name].append(taken)
            far[name] = max(far[name], float(np.abs(found - wanted).max() / np.abs(wanted).max()))
        bits = [(level.view(np.uint32) >> 16).astype(np.uint16) for level in levels]
        ms["par, bf16"].append(_least(partial(pool_regions, boxes, bits, BOX_BINS))[0])
    result = {
        "part": "pooling",
        "photographs": PHOTOS,
        "regions": numbers,
        "ms": {name: round(median(taken), 2) for name, taken in ms.items()},
        "ms_of_each": {name: [round(each, 2) for each in taken] for name, taken in ms.items()},
        "largest_difference": {name: float(f"{value:.1e}") for name, value in far.items()},
        **provenance(SEED),
    }
    print(json.dumps(result, indent=1))


def _regions() -> list[tuple[np.ndarray, Levels]]:
    """Regions and levels (h, w, c) of photographs, in fp32."""
    detector: Any = load_compact_segmenter(OpenVinoRuntime(), COMPACT_SETTINGS, "benchmark")._detector
    found = []
    with tempfile.TemporaryDirectory() as folder:
        natural_photos(Path(folder), PHOTOS * 20, SEED)
        for file in sorted(Path(folder).iterdir())[::20]:
            image = prepare(np.asarray(Image.open(file).convert("RGB")), COMPACT_SETTINGS)
            outputs = detector._features(image.pixels[None])
            n = len(outputs) // 3
            objectness, deltas = ([level[0] for level in outputs[i * n : (i + 1) * n]] for i in (1, 2))
            padded = (image.pixels.shape[1], image.pixels.shape[2])
            regions = propose(objectness, deltas, padded, image.resized, COMPACT_ANCHORS, COMPACT_SETTINGS)
            found.append((regions, [level[0] for level in outputs[: len(STRIDES)]]))
    return found


def _least(run: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    taken = []
    for _ in range(TURNS):
        begun = time.process_time()
        found = run()
        taken.append((time.process_time() - begun) * 1e3)
    return min(taken), found


def _torchvision(boxes: np.ndarray, planes: Levels) -> np.ndarray:
    levels = OrderedDict((str(number), torch.from_numpy(level)) for number, level in enumerate(planes))
    size = (planes[0].shape[2] * STRIDES[0], planes[0].shape[3] * STRIDES[0])
    pool = MultiScaleRoIAlign(list(levels), BOX_BINS, sampling_ratio=2)
    return pool(levels, [torch.from_numpy(boxes)], [size]).permute(0, 2, 3, 1).numpy()


def _detectron() -> Callable[[np.ndarray, Levels], np.ndarray]:
    ov = openvino_library()
    from openvino.utils.node_factory import NodeFactory

    inputs = _parameters([-1, 4], np.float32)
    settings = {"output_size": BOX_BINS, "sampling_ratio": 2, "pyramid_scales": [*STRIDES], "aligned": False}
    name = "ExperimentalDetectronROIFeatureExtractor"
    layer = NodeFactory("opset6").create(name, [node.output(0) for node in inputs], settings)
    request = _request(ov.Model([layer.output(0)], inputs))
    return lambda boxes, planes: _infer(request, [boxes, *planes]).transpose(0, 2, 3, 1)


def _roi_align() -> Callable[[np.ndarray, Levels], np.ndarray]:
    ov = openvino_library()
    ops = ov.opset13
    boxes, *levels = _parameters([-1, 4], np.float32)
    each = [boxes, *(ops.parameter([-1, 4], np.float32) for _ in STRIDES[1:])]
    images = [ops.parameter([-1], np.int32) for _ in STRIDES]
    pooled = [
        ops.roi_align(level, box, image, BOX_BINS, BOX_BINS, 2, 1 / stride, "avg", "asymmetric")
        for level, box, image, stride in zip(levels, each, images, STRIDES, strict=True)
    ]
    request = _request(ov.Model([ops.concat(pooled, 0)], [*each, *images, *levels]))

    def run(regions: np.ndarray, planes: Levels) -> np.ndarray:
        chosen = pooling._levels(regions)
        parts = [regions[chosen == number] for number in range(len(STRIDES))]
        found = _infer(request, [*parts, *(np.zeros(len(part), np.int32) for part in parts), *planes])
        ordered = np.empty_like(found)
        ordered[np.argsort(chosen, kind="stable")] = found
        return ordered.transpose(0, 2, 3, 1)

    return run


def _parameters(shape: list[int], kind: type) -> list[Any]:
    ops = openvino_library().opset13
    levels = [ops.parameter([1, 128, -1, -1], np.float32) for _ in STRIDES]
    return [ops.parameter(shape, kind), *levels]


def _request(model: Any) -> Any:
    settings = cpu_settings("fp32", 1)
    return openvino_library().Core().compile_model(model, "CPU", settings).create_infer_request()


def _infer(request: Any, inputs: Levels) -> np.ndarray:
    request.infer(inputs, share_inputs=True)
    return np.array(request.get_output_tensor(0).data)


if __name__ == "__main__":
    main()
