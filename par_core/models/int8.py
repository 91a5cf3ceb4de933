"""Networks of which some layers may be computed with 8 bits, on OpenVINO.

The weights are those of the other precisions. What is shipped beside them is, for each such layer, the range
of its input on photographs (``par_core.training.int8``). The layer's input and weights pass through
FakeQuantize (Jacob et al., CVPR 2018, section 3; weights symmetric, with one scale for each output channel),
which OpenVINO turns into products of 8-bit integers.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from par_core.errors import WeightsError
from par_core.models.openvino_library import openvino_library
from par_core.models.shipped import FOLDER, INT8_RANGES, shipped_path

__all__ = ["Quantisable", "Ranges", "quantise", "read_ranges"]

#: Lowest and highest value of the input of a layer, by the layer's name.
Ranges = Mapping[str, tuple[float, float]]

_LEVELS: Final = 256
_WEIGHT_LEVELS: Final = 255  # symmetric: -127 to 127


@dataclass(frozen=True, slots=True)
class Quantisable:
    """A network for OpenVINO of which some layers may be computed with 8 bits.

    Attributes:
        make: Returns the model in fp32.
        ranges: The layers, with the ranges of their inputs; there may be none.
    """

    make: Callable[[], Any]
    ranges: Ranges

    def __call__(self) -> Any:
        """Return the model in fp32."""
        return self.make()

    def quantised(self) -> Any:
        """Return the model with its layers in 8 bits."""
        model = self.make()
        quantise(model, self.ranges)
        return model


def read_ranges(network: str, folder: Path = FOLDER) -> Ranges:
    """Return the shipped ranges of a network; none where it has no layers in 8 bits.

    Raises:
        WeightsError: The file is missing or not the one that was shipped.
    """
    layers = json.loads(shipped_path(INT8_RANGES, folder).read_text())["ranges"].get(network, {})
    return {name: (float(low), float(high)) for name, (low, high) in layers.items()}


def quantise(model: Any, ranges: Ranges) -> None:
    """Let convolutions of an OpenVINO model be computed with 8 bits; changes the model in place.

    Args:
        model: Model whose convolutions have constant weights, in fp32 or converted to it.
        ranges: The convolutions, with the ranges of their inputs.

    Raises:
        WeightsError: The model lacks a convolution.
    """
    openvino_library()
    from openvino import opset13 as ops

    layers = {node.get_friendly_name(): node for node in model.get_ops()}
    for name, (low, high) in ranges.items():
        if name not in layers:
            raise WeightsError(f"{INT8_RANGES} names {name}, which the network lacks; reinstall the package")
        entry, weights = (layers[name].input(i) for i in (0, 1))
        bounds = [ops.constant(np.float32(bound)) for bound in (low, high)]
        entry.replace_source_output(
            ops.fake_quantize(entry.get_source_output(), *bounds, *bounds, _LEVELS).output(0)
        )
        source = weights.get_source_output()
        values = _values(source.get_node())
        top = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
        limits = [ops.constant(limit) for limit in (-top, top)]
        weights.replace_source_output(ops.fake_quantize(source, *limits, *limits, _WEIGHT_LEVELS).output(0))
    model.validate_nodes_and_infer_types()


def _values(node: Any) -> np.ndarray:
    """The values of weights, which may be stored in fp16."""
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return np.asarray(node.get_data(), np.float32)
