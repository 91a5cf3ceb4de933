"""Weights files: read without running code from them, checked before use.

Shipped files are safetensors; their digests are in ``shipped/SHA256SUMS``. A large table may be stored as
8-bit rows with one scale per row (``name.int8`` and ``name.scale``). Published files are read in their own
formats, pickles only with ``weights_only=True``.
"""

import json
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from par_core.errors import WeightsError
from par_core.models.shipped import FOLDER, note_digest, shipped_path

__all__ = ["INT8", "SCALE", "load_state", "read_published", "read_shipped", "write_shipped"]

#: Endings of the names of a table's rows and scales.
INT8, SCALE = ".int8", ".scale"
#: Errors that safetensors, pickle, zipfile and torch raise for files that are damaged, truncated, or no
# weights at all.
_DAMAGE: Final = (
    *(
        SafetensorError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
    ),
    *(AssertionError, OverflowError, MemoryError, struct.error),
)


def read_shipped(name: str, folder: Path = FOLDER) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a shipped file: tensors in fp32, and its metadata.

    Raises:
        WeightsError: The file is missing or not the one that was shipped.
    """
    with safe_open(shipped_path(name, folder), framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        metadata = dict(file.metadata() or {})
    return _expanded(tensors), metadata


def write_shipped(
    folder: Path,
    name: str,
    state: Mapping[str, Tensor],
    metadata: Mapping[str, object],
    *,
    int8: tuple[str, ...] = (),
) -> Path:
    """Store weights as fp16, some two-dimensional ones as 8-bit rows, and note the digest.

    Args:
        folder: Folder of the file; ``par_core.models.shipped.FOLDER`` for the package.
        name: Name of the file.
        state: Tensors by name.
        metadata: JSON values that belong to the weights.
        int8: Names of tables to store with 8 bits per number.
    """
    stored: dict[str, Tensor] = {}
    for key, tensor in state.items():
        if key in int8:
            scale = tensor.float().abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
            stored[key + INT8] = (tensor.float() / scale).round().to(torch.int8)
            stored[key + SCALE] = scale.half()
        else:
            stored[key] = (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.unlink(missing_ok=True)
    save_file(stored, path, metadata={key: json.dumps(value) for key, value in metadata.items()})
    path.chmod(0o644)
    note_digest(folder, name)
    return path


def read_published(path: Path, what: str) -> dict[str, Tensor]:
    """Read a weights file that others published: safetensors, a state dict, or a TorchScript archive.

    Args:
        path: Path of the file.
        what: Role of the weights, for the message if the file is missing.

    Raises:
        WeightsError: The file is missing or damaged, or holds more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"no weights for the {what}: put them at {path}")
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        if _is_torchscript(path):
            _require_no_code_at_loading(path)
            return dict(torch.jit.load(str(path), map_location="cpu").state_dict())
        return _state_of(torch.load(path, map_location="cpu", weights_only=True))
    except _DAMAGE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise WeightsError(
            f"{path} is refused: it holds more than tensors, or is damaged ({reason})"
        ) from error


def load_state(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Load a state into a module; every tensor must be present with its shape.

    Raises:
        WeightsError: Names the first tensors that are missing, unexpected or of another shape.
    """
    own = module.state_dict()
    missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    wrong = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own.keys() & state.keys()
        if own[key].shape != state[key].shape
    ]
    if missing or extra or wrong:
        raise WeightsError(
            f"{where} holds another network: missing {missing[:3]}, unexpected {extra[:3]}, wrong shapes"
            f" {sorted(wrong)[:3]}"
        )
    module.load_state_dict(state)


def _expanded(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    state = {}
    for key, tensor in tensors.items():
        if key.endswith(INT8):
            name = key.removesuffix(INT8)
            state[name] = tensor.float() * tensors[name + SCALE].float()
        elif not (key.endswith(SCALE) and key.removesuffix(SCALE) + INT8 in tensors):
            state[key] = tensor.float() if tensor.is_floating_point() else tensor
    return state


def _state_of(loaded: object) -> dict[str, Tensor]:
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError("expected a mapping of names to tensors")
    return {str(key).removeprefix("module."): value for key, value in loaded.items()}


def _is_torchscript(path: Path) -> bool:
    """OpenAI's CLIP files are TorchScript archives, which torch reads without unpickling foreign classes."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _require_no_code_at_loading(path: Path) -> None:
    """Refuse an archive with ``__setstate__``. TorchScript is a program, which may write files; of its
    methods only this one runs when an archive is loaded. The check uses torch's own reader, so that it sees
    the very archive that torch will load; torch ignores the case of names.
    """
    archive = torch._C.PyTorchFileReader(str(path))
    for name in archive.get_all_records():
        if name.lower().startswith("code/") and b"__setstate__" in archive.get_record(name):
            raise ValueError(f"it would run code as soon as it is loaded: __setstate__ in {name}")
