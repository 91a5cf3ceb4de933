"""Layers of networks in OpenVINO, with TensorFlow's weights and padding, and their compilation."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from par_core.models.openvino_library import cpu_settings, openvino_library

__all__ = ["CompiledGraph", "compiled", "conv", "depthwise", "network", "operations", "read_network"]

CompiledGraph = Callable[[np.ndarray], tuple[np.ndarray, ...]]


def operations() -> Any:
    """Return OpenVINO's operations, of which networks are built.

    Raises:
        BadConfigError: OpenVINO is not installed.
    """
    openvino_library()
    from openvino import opset13

    return opset13


def conv(x: Any, filters: np.ndarray, bias: np.ndarray, stride: int = 1) -> Any:
    """Convolve with 'same' padding, the odd pixel right and below, and add a bias.

    Args:
        x: Node (n, in, h, w).
        filters: (height, width, in, out).
        bias: (out,).
        stride: Step in both directions.
    """
    ops = operations()
    weights = ops.constant(np.ascontiguousarray(filters.transpose(3, 2, 0, 1)))
    out = ops.convolution(x, weights, [stride] * 2, [0, 0], [0, 0], [1, 1], auto_pad="same_upper")
    return ops.add(out, ops.constant(bias.reshape(1, -1, 1, 1)))


def depthwise(x: Any, filters: np.ndarray, stride: int = 1) -> Any:
    """Convolve each channel by itself, with the same padding.

    Args:
        x: Node (n, channels, h, w).
        filters: (height, width, channels, 1).
        stride: Step in both directions.
    """
    ops = operations()
    weights = ops.constant(np.ascontiguousarray(filters.transpose(2, 3, 0, 1)[:, :, None]))
    return ops.group_convolution(x, weights, [stride] * 2, [0, 0], [0, 0], [1, 1], auto_pad="same_upper")


def network(size: int, build: Callable[[Any], tuple[Any, ...]], *, threads: int = 1) -> CompiledGraph:
    """Build and compile a network of pictures.

    Args:
        size: Height and width of its pictures.
        build: Takes the node of the pictures (n, 3, size, size), returns the nodes of the outputs.
        threads: Number of threads.

    Returns:
        A function of float32 pictures (n, size, size, 3), which gives the outputs as arrays.
    """
    ops, ov = operations(), openvino_library()
    pictures = ops.parameter([-1, size, size, 3], np.float32)
    outputs = build(ops.transpose(pictures, ops.constant(np.array([0, 3, 1, 2], np.int64))))
    return compiled(ov.Model(list(outputs), [pictures]), threads=threads)


def read_network(path: str) -> Any:
    """Read a network from a file in a format that OpenVINO knows, such as TensorFlow Lite's."""
    return openvino_library().Core().read_model(path)


def compiled(model: Any, *, threads: int = 1) -> CompiledGraph:
    """Compile a model of one input for the CPU, in fp32; each thread gets an inference request of its own."""
    ready = openvino_library().Core().compile_model(model, "CPU", cpu_settings("fp32", threads))
    local = threading.local()

    def run(pictures: np.ndarray) -> tuple[np.ndarray, ...]:
        if not hasattr(local, "request"):
            local.request = ready.create_infer_request()
        local.request.infer([np.ascontiguousarray(pictures, np.float32)], share_inputs=True)
        return tuple(local.request.get_output_tensor(i).data.copy() for i in range(len(ready.outputs)))

    return run
