"""The shipped networks as OpenVINO models, which need no torch.

A network is an OpenVINO IR (``NAME.xml``, and ``NAME.bin`` with a few small constants) whose weights are
inputs that bear the names of tensors. The weights themselves lie once in the safetensors file that torch
reads too. ``par_core.training.networks`` writes the IRs.
"""

from pathlib import Path
from typing import Any, Final

from safetensors import safe_open

from par_core.errors import WeightsError
from par_core.models.int8 import Quantisable, read_ranges
from par_core.models.openvino_library import openvino_library
from par_core.models.shipped import FOLDER, shipped_path

__all__ = ["WEIGHT", "read_metadata", "read_network", "shipped_network"]

#: Prefix of the names of inputs that are weights.
WEIGHT: Final = "weight:"


def read_network(name: str, weights: str, folder: Path = FOLDER) -> Any:
    """Return an OpenVINO model with its weights.

    Args:
        name: Name of the network, such as ``segmenter-compact.boxes``.
        weights: Name of the safetensors file.
        folder: Folder of the files.

    Raises:
        WeightsError: A file is missing, not the one that was shipped, or does not fit the others.
    """
    ov = openvino_library()
    graph, constants = (shipped_path(f"{name}{suffix}", folder) for suffix in (".xml", ".bin"))
    model = ov.Core().read_model(graph, constants)
    with safe_open(shipped_path(weights, folder), framework="np") as file:
        stored = set(file.keys())
        for parameter in list(model.get_parameters()):
            tensor = parameter.get_friendly_name().removeprefix(WEIGHT)
            if tensor == parameter.get_friendly_name():
                continue
            if tensor not in stored:
                raise WeightsError(f"{name} needs {tensor}, which {weights} lacks; reinstall the package")
            constant = ov.op.Constant(file.get_tensor(tensor), shared_memory=False)
            for target in parameter.output(0).get_target_inputs():
                target.replace_source_output(constant.output(0))
            model.remove_parameter(parameter)
    model.validate_nodes_and_infer_types()
    return model


def shipped_network(name: str, weights: str, folder: Path = FOLDER) -> Quantisable:
    """Return a network to compile; its arguments are those of :func:`read_network`, and nothing but the
    ranges of its layers in 8 bits is read yet.

    Raises:
        WeightsError: The file of ranges is missing or not the one that was shipped.
    """
    return Quantisable(lambda: read_network(name, weights, folder), read_ranges(name, folder))


def read_metadata(weights: str, folder: Path = FOLDER) -> dict[str, str]:
    """Return the metadata of a shipped safetensors file.

    Raises:
        WeightsError: The file is missing or not the one that was shipped.
    """
    with safe_open(shipped_path(weights, folder), framework="np") as file:
        return dict(file.metadata() or {})
