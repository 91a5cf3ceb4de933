"""Weights of TensorFlow.js, out of files written by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from par_core.errors import WeightsError
from par_core.faces.manifest import read_manifest

FLOAT = {"name": "bias", "shape": [2], "dtype": "float32"}
QUANTISED = {
    "name": "filters",
    "shape": [1, 2, 1, 2],
    "dtype": "float32",
    "quantization": {"dtype": "uint8", "scale": 0.5, "min": -3.0},
}
SCALAR = {
    "name": "axis",
    "shape": [],
    "dtype": "int32",
    "quantization": {"dtype": "uint8", "scale": 1, "min": 7},
}
WIDE = {
    "name": "wide",
    "shape": [1],
    "dtype": "float32",
    "quantization": {"dtype": "uint16", "scale": 1, "min": 0},
}
BYTES = np.array([1.5, -2.0], "<f4").tobytes() + bytes([0, 1, 10, 255]) + bytes([3]) + bytes([1, 1])


def write(folder: Path, groups: Any, **files: bytes) -> Path:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    path = folder / "manifest.json"
    path.write_text(json.dumps(groups))
    return path


def test_floats_quantised_numbers_and_scalars_follow_one_another(tmp_path: Path) -> None:
    tensors = read_manifest(
        write(tmp_path, [{"paths": ["a"], "weights": [FLOAT, QUANTISED, SCALAR, WIDE]}], a=BYTES)
    )
    assert tensors["bias"].tolist() == [1.5, -2.0]
    assert tensors["filters"].tolist() == [[[[-3.0, -2.5]], [[2.0, 124.5]]]]
    assert tensors["filters"].dtype == np.float32
    assert (tensors["axis"].shape, tensors["axis"].dtype, int(tensors["axis"])) == ((), np.int32, 10)
    assert tensors["wide"].tolist() == [257.0], "little-endian"


def test_a_group_reads_over_its_files_and_the_next_begins_with_its_own(tmp_path: Path) -> None:
    groups = [
        {"paths": ["a", "b"], "weights": [FLOAT, QUANTISED]},
        {"paths": ["c"], "weights": [SCALAR]},
    ]
    tensors = read_manifest(write(tmp_path, groups, a=BYTES[:5], b=BYTES[5:12], c=bytes([0])))
    assert tensors["bias"].tolist() == [1.5, -2.0]
    assert tensors["filters"].ravel().tolist() == [-3.0, -2.5, 2.0, 124.5]
    assert int(tensors["axis"]) == 7


@pytest.mark.parametrize(
    ("weights", "content", "message"),
    [
        ([FLOAT, QUANTISED], BYTES[:11], "hold 11 bytes, but filters ends at byte 12"),
        ([FLOAT], BYTES[:9], "1 bytes of its files belong to no tensor"),
        ([{**FLOAT, "dtype": "complex64"}], BYTES, "bias has numbers of type 'complex64'"),
        (
            [{**QUANTISED, "quantization": {"dtype": "float8", "scale": 1, "min": 0}}],
            BYTES,
            "filters has numbers of type 'float8'",
        ),
        ([{**FLOAT, "shape": [-1, -2]}], BYTES[:8], r"has the shape \(-1, -2\)"),
        ([{"name": "bias"}], BYTES, "no manifest of weights"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path, weights: list[dict[str, Any]], content: bytes, message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        read_manifest(write(tmp_path, [{"paths": ["a"], "weights": weights}], a=content))


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "sub/a", "..", ""])
def test_a_manifest_reads_nothing_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "a").write_bytes(BYTES[:8])
    with pytest.raises(WeightsError, match="no file beside it"):
        read_manifest(write(inside, [{"paths": [name], "weights": [FLOAT]}]))


def test_missing_files_and_other_json_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.bin is missing"):
        read_manifest(write(tmp_path, [{"paths": ["gone.bin"], "weights": [FLOAT]}]))
    with pytest.raises(WeightsError, match="no manifest of weights"):
        read_manifest(write(tmp_path, 3))
