"""Write the shipped networks as OpenVINO IRs, from the shipped safetensors files.

python -m par_core.training.networks

Each constant of a converted network that equals a tensor of the safetensors file becomes an input that bears
the tensor's name, so that the weights are shipped once (``par_core.models.shipped_networks``).
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn

from par_core.models.conversion import convert, for_even_sides
from par_core.models.describer import typical_input
from par_core.models.describer_network import shipped_describer
from par_core.models.openvino_library import openvino_library
from par_core.models.shipped import FILES, FOLDER, note_digest, shipped_path
from par_core.models.shipped_networks import WEIGHT
from par_core.models.text import CONTEXT_LENGTH
from par_core.models.text_tower import shipped_text_tower
from par_core.models.torch_segmenter import compact_network, openvino_parts
from par_core.models.weights import INT8, SCALE

__all__ = ["write_networks"]

_LEAST: Final = 2  # numbers of a tensor; scalars stay constants
_TABLE: Final = "token_embedding.weight"


def write_networks(file: str, folder: Path = FOLDER) -> list[str]:
    """Write the networks of a safetensors file, and note their digests; returns their names.

    Args:
        file: Name of one of the shipped safetensors files.
        folder: Folder of the files.
    """
    with safe_open(shipped_path(file, folder), framework="np") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    written = []
    for name, make in _networks(file, folder, tensors).items():
        _write(make(), tensors, folder, name)
        written.append(name)
    return written


def _networks(file: str, folder: Path, tensors: Mapping[str, np.ndarray]) -> dict[str, Callable[[], Any]]:
    stem = Path(file).stem
    if file == FILES[0]:
        parts = openvino_parts(compact_network(folder))
        return {f"{stem}.{part}": make for part, (make, _) in parts.items()}
    if file == FILES[1]:
        network, _ = shipped_describer(folder)
        return {stem: lambda: convert(for_even_sides(network), (typical_input(),))}
    tower, _ = shipped_text_tower(folder)
    tower.token_embedding = _Table(tensors[_TABLE + INT8], tensors[_TABLE + SCALE])
    ids = np.random.default_rng(0).integers(0, 400, (3, CONTEXT_LENGTH))
    return {stem: lambda: convert(tower, (ids,))}


class _Table(nn.Module):
    """The word table as it is stored: rows of 8 bits with one scale each."""

    def __init__(self, rows: np.ndarray, scales: np.ndarray) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.from_numpy(rows), requires_grad=False)
        self.scales = nn.Parameter(torch.from_numpy(scales), requires_grad=False)

    def forward(self, ids: Tensor) -> Tensor:
        return self.rows[ids].float() * self.scales[ids].float()


def _write(model: Any, tensors: Mapping[str, np.ndarray], folder: Path, name: str) -> None:
    ov = openvino_library()
    from openvino._offline_transformations import apply_moc_transformations

    _replace_weights(model, tensors)
    apply_moc_transformations(model, cf=False)
    for node in model.get_ops():
        notes = node.get_rt_info()
        for key in list(notes):  # the names of the nodes that each node replaced, and nothing else
            del notes[key]
    graph, constants = folder / f"{name}.xml", folder / f"{name}.bin"
    ov.serialize(model, graph, constants)
    for path in (graph, constants):
        path.chmod(0o644)
        note_digest(folder, path.name)


def _replace_weights(model: Any, tensors: Mapping[str, np.ndarray]) -> None:
    from openvino import opset13 as ops

    known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
    for name, tensor in tensors.items():
        forms = [tensor, tensor.astype(np.float32)] if tensor.dtype == np.float16 else [tensor]
        known |= {(str(form.dtype), form.shape, form.tobytes()): name for form in forms}
    inputs: dict[str, Any] = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Constant" or node.get_data().size < _LEAST:
            continue
        data = node.get_data()
        found = known.get((str(data.dtype), data.shape, data.tobytes()))
        if found is None:
            continue
        if found not in inputs:
            stored = tensors[found]
            inputs[found] = ops.parameter(list(stored.shape), stored.dtype, name=WEIGHT + found)
            model.add_parameters([inputs[found]])
        source = inputs[found]
        if data.dtype != tensors[found].dtype:
            source = ops.convert(source, data.dtype.type)
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(source.output(0))


def main() -> None:
    """Write all networks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder of the weights")
    folder = parser.parse_args().folder
    for file in FILES:
        print(file, *write_networks(file, folder))


if __name__ == "__main__":
    main()
