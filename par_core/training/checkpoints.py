"""Checkpoints from which training goes on as if it had never stopped."""

from pathlib import Path
from typing import Any

import torch

from par_core.atomic import write_aside

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint, complete or not at all."""
    with write_aside(path) as partial:
        torch.save(state, partial)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint (tensors and plain values only), or None where there is none."""
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
