"""The weights that come with the package, and their digests. Imports no library that could load them."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from par_core.errors import WeightsError

__all__ = ["CALIBRATION", "FILES", "FOLDER", "digest", "digest_now", "file_digest", "note_digest"]

FOLDER: Final = Path(__file__).parent
#: Segmenter, describer, text tower.
FILES: Final = ("segmenter-compact.safetensors", "describer-compact.safetensors", "text-compact.safetensors")
CALIBRATION: Final = "describer-compact.calibration.json"


def digest(name: str, folder: Path = FOLDER) -> str:
    """Return the SHA-256 of a shipped file by ``SHA256SUMS``; the file itself is checked when it is loaded.

    Raises:
        WeightsError: The list is missing or does not name the file.
    """
    try:
        lines = (folder / "SHA256SUMS").read_text().splitlines()
    except FileNotFoundError as error:
        raise WeightsError(f"{folder / 'SHA256SUMS'} is missing; reinstall the package") from error
    sums = {line.split()[1]: line.split()[0] for line in lines}
    if name not in sums:
        raise WeightsError(f"{name} is not among the weights that come with PAR; reinstall the package")
    return sums[name]


@lru_cache(maxsize=16)
def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; each process reads it once."""
    return digest_now(path)


def digest_now(path: Path) -> str:
    """Return the SHA-256 of a file, which is read now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def note_digest(folder: Path, name: str) -> None:
    """Write a file's SHA-256 into ``SHA256SUMS`` beside it."""
    sums = folder / "SHA256SUMS"
    lines = [
        line
        for line in (sums.read_text().splitlines() if sums.exists() else [])
        if not line.endswith(f"  {name}")
    ]
    sums.write_text(
        "\n".join(sorted([*lines, f"{digest_now(folder / name)}  {name}"], key=lambda line: line.split()[1]))
        + "\n"
    )
