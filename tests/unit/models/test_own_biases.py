"""Biases that several convolutions share become constants of their own, with the same results."""

import numpy as np

from par_core.models.openvino_library import cpu_settings, openvino_library
from par_core.models.own_biases import give_own_biases


def model_of_two_levels() -> object:
    """Two convolutions with one bias in fp16, as the head of a region proposal network has them."""
    ov = openvino_library()
    from openvino import opset13 as ops

    random = np.random.default_rng(0)
    weights = random.standard_normal((4, 3, 1, 1), np.float32)
    stored = ops.constant(random.standard_normal(4).astype(np.float16))
    bias = ops.reshape(ops.convert(stored, np.float32), np.array([1, 4, 1, 1]), special_zero=False)
    levels = [ops.parameter([1, 3, -1, -1], np.float32) for _ in range(2)]
    sums = [
        ops.add(ops.convolution(level, weights, [1, 1], [0, 0], [0, 0], [1, 1]), bias) for level in levels
    ]
    return ov.Model(sums, levels)


def layers(compiled: object) -> list[str]:
    """Kinds of the layers that the CPU plugin computes."""
    return [node.get_rt_info()["layerType"].astype(str) for node in compiled.get_runtime_model().get_ops()]


def test_biases_are_computed_with_their_convolutions_and_the_results_stay() -> None:
    core, settings = openvino_library().Core(), cpu_settings("fp32", 1)
    inputs = [np.random.default_rng(1).random((1, 3, *sides), np.float32) for sides in ((8, 6), (4, 3))]
    model = model_of_two_levels()
    before = core.compile_model(model, "CPU", settings)
    assert layers(before).count("Eltwise") == 2
    assert give_own_biases(model) == 1  # the other one is alone then
    after = core.compile_model(model, "CPU", settings)
    assert "Eltwise" not in layers(after)
    wanted, found = before(inputs), after(inputs)
    assert all(np.abs(wanted[i] - found[i]).max() < 1e-6 for i in range(2))
    assert give_own_biases(model) == 0
