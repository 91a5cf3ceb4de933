"""Which layers of the shipped networks reach what the processor can do, and which do not. Prints one JSON.

    python benchmarks/layers.py > benchmarks/results/layers.json

OpenVINO times each layer of a network with one thread, as PAR runs it. The arithmetic of a layer (two
operations for each product) is computed from its shapes. The peak of a precision is the best of three layers
that are nothing but arithmetic, measured in the same way in the same run. Layers of a kind are added up:
dense 3 x 3 and 1 x 1 convolutions, depthwise ones (nine products for each number that is read and written),
matrix products, and layers without products, such as resizing and changing the order of numbers in
memory. Models are put together as PAR puts them together; regions are pooled between them (``pooling.py``).
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance

from par_core.models.openvino_library import cpu_settings, openvino_library
from par_core.models.own_biases import give_own_biases
from par_core.models.shipped import FILES
from par_core.models.shipped_networks import read_network

SEED: Final = 0
TURNS: Final = 15
PRECISIONS: Final = ("fp32", "bf16")
SHARE_PROMISED: Final = 0.7
_SEGMENTER, _DESCRIBER, _ = FILES
#: Networks, their weights, and a typical shape of each input.
NETWORKS: Final = {
    "segmenter-compact.features": (_SEGMENTER, [[1, 3, 640, 896]]),
    "segmenter-compact.boxes": (_SEGMENTER, [[160, 7, 7, 128]]),
    "segmenter-compact.masks": (_SEGMENTER, [[4, 14, 14, 128]]),
    "describer-compact": (_DESCRIBER, [[8, 3, 448, 224]]),
}
#: Operations that multiply and add.
PRODUCTS: Final = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "MatMul")
#: The same as OpenVINO's layers.
LAYERS: Final = (*PRODUCTS, "FullyConnected", "Deconvolution")
#: Channels, height, width and kernel of the layers that measure the peak.
PEAKS: Final = ((256, 200, 272, 3), (512, 64, 64, 3), (1024, 64, 64, 1))


def main() -> None:
    """Measure and print."""
    peaks = {precision: max(map(peak, PEAKS, [precision] * len(PEAKS))) for precision in PRECISIONS}
    networks: dict[str, Any] = {}
    for name, (weights, shapes) in NETWORKS.items():
        networks[name] = {"shapes": shapes}
        for precision in PRECISIONS:
            model = read_network(name, weights)
            give_own_biases(model)
            model.reshape(dict(zip(model.inputs, shapes, strict=True)))
            networks[name][precision] = by_kind(timed_layers(model, precision), peaks[precision])
    about = {"peak_gflop_per_s": peaks, "promised": SHARE_PROMISED, **provenance(SEED)}
    print(json.dumps({"part": "layers", "networks": networks, **about}, indent=1))


def peak(shape: tuple[int, int, int, int], precision: str) -> float:
    """Return the GFLOP/s of one convolution that is nothing but arithmetic."""
    ov = openvino_library()
    channels, height, width, side = shape
    weights = np.random.default_rng(SEED).standard_normal((channels, channels, side, side), np.float32)
    picture = ov.opset13.parameter([1, channels, height, width], np.float32)
    border = [side // 2] * 2
    layer = ov.opset13.convolution(picture, weights, [1, 1], border, border, [1, 1])
    found = timed_layers(ov.Model([layer], [picture]), precision)
    arithmetic = [(work, ms) for _, work, ms in found if work]
    return sum(work for work, _ in arithmetic) / sum(ms for _, ms in arithmetic) * 1e3


def timed_layers(model: Any, precision: str) -> list[tuple[str, float, float]]:
    """Run a model of known shapes; return the kind, GFLOP and milliseconds of each layer that takes time."""
    ov = openvino_library()
    ops = {op.get_friendly_name(): op for op in model.get_ops()}
    compiled = ov.Core().compile_model(model, "CPU", cpu_settings(precision, 1) | {"PERF_COUNT": True})
    request = compiled.create_infer_request()
    random = np.random.default_rng(SEED)
    inputs = [random.uniform(0, 255, list(port.shape)).astype(np.float32) for port in compiled.inputs]
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(TURNS):
        request.infer(inputs)
        for layer in request.profiling_info:
            if layer.status.name == "EXECUTED":
                times[layer.node_name, layer.node_type].append(layer.real_time.total_seconds() * 1e3)
    rows = []
    for (name, layer_type), taken in times.items():
        kind, work = work_of(product_of(ops[name])) if layer_type in LAYERS else ("without products", 0.0)
        rows.append((kind, work, median(taken)))
    timed, every = sum(work for _, work, _ in rows), sum(work_of(op)[1] for op in ops.values())
    if not 0.99 * every < timed < 1.01 * every:
        raise SystemExit(f"OpenVINO times {timed:.3f} of {every:.3f} GFLOP by names of this model")
    return rows


def product_of(op: Any) -> Any:
    """Return the convolution or matrix product of a layer: OpenVINO names it by what it has fused behind it,
    such as a batch normalisation.
    """
    while op.get_type_name() not in PRODUCTS:
        op = op.input_value(0).get_node()
    return op


def work_of(op: Any) -> tuple[str, float]:
    """Return the kind of an operation, and its GFLOP."""
    kind = op.get_type_name()
    if kind not in PRODUCTS:
        return kind, 0.0
    made = float(np.prod(list(op.output(0).shape)))
    second = list(op.input(1).get_shape())
    if kind == "MatMul":
        inner = list(op.input(0).get_shape())[-2 if op.get_attributes()["transpose_a"] else -1]
        return "matrix product", 2e-9 * made * inner
    if kind == "ConvolutionBackpropData":  # weights are (from, to, height, width), each output reads a part
        read = float(np.prod(list(op.input(0).get_shape())))
        return "transposed convolution", 2e-9 * read * float(np.prod(second[1:]))
    side = second[-1]
    name = "depthwise" if kind == "GroupConvolution" else f"dense {side} x {side}"
    products = float(np.prod(second[2:] if kind == "GroupConvolution" else second[1:]))
    return name, 2e-9 * made * products


def by_kind(layers: Iterable[tuple[str, float, float]], most: float) -> dict[str, Any]:
    """Add up layers of a kind; ``share_of_peak`` is that of their arithmetic in their time."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for kind, work, ms in layers:
        sums[kind][0] += work
        sums[kind][1] += ms
    total = [sum(column) for column in zip(*sums.values(), strict=True)]

    def rows() -> Iterator[tuple[str, list[float]]]:
        yield "all", total
        yield from sorted(sums.items(), key=lambda item: -item[1][1])

    return {
        kind: {
            "gflop": round(work, 3),
            "ms": round(ms, 3),
            "share_of_time": round(ms / total[1], 3),
            "share_of_peak": round(work / ms * 1e3 / most, 3) if work else None,
        }
        for kind, (work, ms) in rows()
    }


if __name__ == "__main__":
    main()
