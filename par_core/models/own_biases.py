"""Biases of OpenVINO models, each with a constant of its own.

OpenVINO's CPU plugin computes a bias together with its convolution only if no other layer reads the same
constant. The head of a region proposal network reads its biases once for each level of the pyramid: adding
them went over the largest outputs of the network again.
"""

from typing import Any, Final

import numpy as np

from par_core.models.openvino_library import openvino_library

__all__ = ["give_own_biases"]

_CONVOLUTIONS: Final = ("Convolution", "GroupConvolution")
_VIEWS: Final = ("Convert", "Reshape", "Unsqueeze")  # what may stand between a stored bias and its sum


def give_own_biases(model: Any) -> int:
    """Give convolutions whose bias others read too constants of their own; changes the model in place.

    Returns:
        The number of the new constants.
    """
    openvino_library()
    from openvino import opset13 as ops

    changed = 0
    for add in model.get_ordered_ops():
        if add.get_type_name() != "Add":
            continue
        kinds = [add.input_value(i).get_node().get_type_name() for i in (0, 1)]
        place = next((1 - i for i in (0, 1) if kinds[i] in _CONVOLUTIONS), None)
        if place is None or not _is_read_by_others(add.input_value(place)):
            continue
        bias = _values(add.input_value(place).get_node())
        if bias is not None:
            add.input(place).replace_source_output(ops.constant(bias).output(0))
            changed += 1
    return changed


def _is_read_by_others(source: Any) -> bool:
    if len(source.get_target_inputs()) > 1:
        return True
    node = source.get_node()
    return node.get_type_name() in _VIEWS and _is_read_by_others(node.input_value(0))


def _values(node: Any) -> np.ndarray | None:
    """The constant that a node gives, in its shape and type; None if it is none."""
    if node.get_type_name() == "Constant":
        return np.array(node.get_data())
    if node.get_type_name() not in _VIEWS:
        return None
    stored = _values(node.input_value(0).get_node())
    output = node.output(0)
    if stored is None or output.get_partial_shape().is_dynamic:
        return None
    return stored.astype(output.get_element_type().to_dtype()).reshape(list(output.get_shape()))
