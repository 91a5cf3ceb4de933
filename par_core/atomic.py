"""How a file gets to its place: complete or not at all."""

import os
import secrets
from pathlib import Path

__all__ = ["partial_name", "sync_folder", "write_atomic"]


def partial_name(path: Path) -> Path:
    """A name beside ``path`` for what is not complete yet. No two processes choose the same one, not even on
    two hosts with one shared folder.
    """
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file that is complete or absent, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(path)
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
