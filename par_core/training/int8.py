"""Find the ranges by which layers of the shipped segmenter are computed with 8 bits, by NNCF's post-training
quantisation on photographs of the training part.

    python -m par_core.training.int8 --data ../shared/data

Only the 3 x 3 convolutions of the pyramid and of the RPN head: most of the arithmetic, and they move the
outputs least (docs/decisions/0023). NNCF decides the ranges; the biases stay as they are, so that every
precision has the same weights.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from par_core.datasets.outlines import Photo, read_picture
from par_core.models.int8 import Ranges
from par_core.models.openvino_library import openvino_library
from par_core.models.segmenter_input import prepare
from par_core.models.segmenter_settings import COMPACT_SETTINGS
from par_core.models.shipped import FILES, FOLDER, INT8_RANGES, digest, note_digest
from par_core.models.shipped_networks import read_network
from par_core.training.segmentation_data import split_photos

__all__ = ["calibration_photos", "find_ranges", "layers_of", "write_ranges"]

_NETWORK: Final = "segmenter-compact.features"
_LAYERS: Final = (".fpn.layer_blocks.", ".head.conv.")  # parts of the names of the layers
_PHOTOS: Final = 30  # with 12, no range is off by more than 6 %
_KINDS: Final = ("Convolution", "GroupConvolution", "MatMul")
_NO_LAYERS: Final = frozenset({*_KINDS, "Constant", "Parameter", "Result"})


def calibration_photos(data_dir: Path, photos: int = _PHOTOS, seed: int = 0) -> list[Photo]:
    """Return photographs of streets and the wild, with people and without, from the training part."""
    train = split_photos(data_dir).train
    chosen = [photo for source in ("pennfudan", "coco", "empty") for photo in train[source]]
    random.Random(seed).shuffle(chosen)
    return chosen[:photos]


def layers_of(model: Any) -> list[str]:
    """Return the names of the layers of an OpenVINO model that are computed with 8 bits."""
    return [
        node.get_friendly_name()
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution" and any(part in node.get_friendly_name() for part in _LAYERS)
    ]


def find_ranges(
    model: Any, layers: Sequence[str], photos: Sequence[Photo], inputs: Callable[[Photo], Any]
) -> Ranges:
    """Return the ranges of the inputs of layers that NNCF takes.

    Args:
        model: OpenVINO model.
        layers: Names of convolutions.
        photos: Photographs.
        inputs: Function from a photograph to the inputs of the model.
    """
    openvino_library()
    import nncf

    others = [
        node.get_friendly_name()
        for node in model.get_ops()
        if node.get_type_name() in _KINDS and node.get_friendly_name() not in layers
    ]
    kinds = sorted({node.get_type_name() for node in model.get_ops()} - _NO_LAYERS)
    quantised = nncf.quantize(
        model,
        nncf.Dataset(photos, inputs),
        subset_size=len(photos),
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(names=others, types=kinds, validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            disable_bias_correction=True, backend_params={"compress_weights": False}
        ),
    )
    nodes = {node.get_friendly_name(): node for node in quantised.get_ops()}
    return {name: _range(nodes[name]) for name in layers}


def _range(layer: Any) -> tuple[float, float]:
    entry = layer.input_value(0).get_node()
    if entry.get_type_name() != "FakeQuantize":
        raise SystemExit(f"NNCF left {layer.get_friendly_name()} as it was")
    low, high = (float(np.asarray(entry.input_value(i).get_node().get_data())) for i in (1, 2))
    return low, high


def write_ranges(data_dir: Path, folder: Path = FOLDER, photos: int = _PHOTOS) -> Ranges:
    """Find the ranges of the shipped segmenter's features, write them, and return them."""
    chosen = calibration_photos(data_dir, photos)
    model = read_network(_NETWORK, FILES[0], folder)
    ranges = find_ranges(
        model,
        layers_of(model),
        chosen,
        lambda photo: prepare(read_picture(photo.image), COMPACT_SETTINGS).pixels[None],
    )
    about = {
        "command": f"python -m par_core.training.int8 --data DATA --photos {photos}",
        "photographs": len(chosen),
        "versions": {name: version(name) for name in ("nncf", "openvino", "numpy")},
        "segmenter": digest(FILES[0], folder),
        "ranges": {_NETWORK: {name: [round(bound, 4) for bound in pair] for name, pair in ranges.items()}},
    }
    (folder / INT8_RANGES).write_text(json.dumps(about, indent=1) + "\n")
    note_digest(folder, INT8_RANGES)
    return ranges


def main() -> None:
    """Parse the command line, find the ranges and write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the weights")
    parser.add_argument("--photos", type=int, default=_PHOTOS, help="number of photographs")
    options = parser.parse_args()
    ranges = write_ranges(options.data, options.out, options.photos)
    print(_NETWORK, f"{len(ranges)} layers in 8 bits")


if __name__ == "__main__":
    main()
