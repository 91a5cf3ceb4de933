"""Weights of TensorFlow.js: a manifest in JSON beside files of bytes.

The manifest is a list of groups. The tensors of a group follow one another in its files, little-endian and
without padding; a quantised number q stands for q * scale + min.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from par_core.errors import WeightsError

__all__ = ["read_manifest"]

_NUMBERS: Final[dict[str, np.dtype[Any]]] = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4")}
_QUANTISED: Final[dict[str, np.dtype[Any]]] = {"uint8": np.dtype("u1"), "uint16": np.dtype("<u2")}


def read_manifest(path: Path) -> dict[str, np.ndarray]:
    """Read all tensors of a manifest.

    Args:
        path: The manifest; its files lie beside it.

    Returns:
        Tensors by name, float32 or int32, in TensorFlow's axes (height, width, in, out).

    Raises:
        WeightsError: The manifest is none, names a file in another folder or an unknown type of number, or
            a file is missing, too short or too long.
    """
    tensors: dict[str, np.ndarray] = {}
    try:
        for group in json.loads(path.read_text()):
            content = b"".join(_beside(path, str(name)).read_bytes() for name in group["paths"])
            start = 0
            for entry in group["weights"]:
                tensors[str(entry["name"])], start = _tensor(entry, content, start, path)
            if start != len(content):
                raise WeightsError(f"{path}: {len(content) - start} bytes of its files belong to no tensor")
    except FileNotFoundError as error:
        raise WeightsError(f"{error.filename} is missing") from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise WeightsError(f"{path} is no manifest of weights ({error!r})") from error
    return tensors


def _beside(path: Path, name: str) -> Path:
    if not name or name in (".", "..") or Path(name).name != name:
        raise WeightsError(f"{path} names {name!r}, which is no file beside it")
    return path.with_name(name)


def _tensor(entry: Mapping[str, Any], content: bytes, start: int, path: Path) -> tuple[np.ndarray, int]:
    """A tensor and the place of the next one."""
    quantised = entry.get("quantization")
    stored = _kind(_QUANTISED, quantised["dtype"], entry, path) if quantised else None
    meant = _kind(_NUMBERS, entry["dtype"], entry, path)
    shape = tuple(int(size) for size in entry["shape"])
    if any(size < 0 for size in shape):
        raise WeightsError(f"{path}: {entry['name']} has the shape {shape}")
    end = start + math.prod(shape) * (stored or meant).itemsize
    if end > len(content):
        raise WeightsError(
            f"{path}: its files hold {len(content)} bytes, but {entry['name']} ends at byte {end}"
        )
    numbers = np.frombuffer(content[start:end], stored or meant).reshape(shape)
    if quantised:
        exact = numbers * float(quantised["scale"]) + float(quantised["min"])
        numbers = np.rint(exact) if meant.kind == "i" else exact
    return np.asarray(numbers, meant.newbyteorder("=")), end


def _kind(
    known: Mapping[str, np.dtype[Any]], name: str, entry: Mapping[str, Any], path: Path
) -> np.dtype[Any]:
    if name not in known:
        raise WeightsError(f"{path}: {entry['name']} has numbers of type {name!r}; known: {', '.join(known)}")
    return known[name]
