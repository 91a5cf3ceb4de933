"""The weights that come with the package, and their digests. Imports no library that could load them."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from par_core.errors import WeightsError

__all__ = [
    "CALIBRATION",
    "FILES",
    "FOLDER",
    "INT8_RANGES",
    "WORDS",
    "digest",
    "digest_now",
    "file_digest",
    "note_digest",
    "shipped_names",
    "shipped_path",
]

FOLDER: Final = Path(__file__).parent
#: Segmenter, describer, text tower.
FILES: Final = ("segmenter-compact.safetensors", "describer-compact.safetensors", "text-compact.safetensors")
CALIBRATION: Final = "describer-compact.calibration.json"
#: Which layers may be computed with 8 bits, and the ranges of their inputs.
INT8_RANGES: Final = "compact.int8.json"
#: Ids of the words that the text tower has learned.
WORDS: Final = "text-compact.words.json"


def digest(name: str, folder: Path = FOLDER) -> str:
    """Return the SHA-256 of a shipped file by ``SHA256SUMS``; the file itself is checked when it is loaded.

    Raises:
        WeightsError: The list is missing or does not name the file.
    """
    sums = _sums(folder)
    if name not in sums:
        raise WeightsError(f"{name} is not among the weights that come with PAR; reinstall the package")
    return sums[name]


def shipped_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the names of all files that ``SHA256SUMS`` lists.

    Raises:
        WeightsError: The list is missing.
    """
    return tuple(_sums(folder))


def _sums(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / "SHA256SUMS").read_text().splitlines()
    except FileNotFoundError as error:
        raise WeightsError(f"{folder / 'SHA256SUMS'} is missing; reinstall the package") from error
    return {line.split()[1]: line.split()[0] for line in lines}


def shipped_path(name: str, folder: Path = FOLDER) -> Path:
    """Return the path of a shipped file, after checking its digest.

    Raises:
        WeightsError: The file is missing or not the one that was shipped.
    """
    path = folder / name
    if not path.is_file():
        raise WeightsError(f"{path} is missing; reinstall the package")
    if file_digest(path) != digest(name, folder):
        raise WeightsError(
            f"{path} is damaged: it does not have the digest listed in SHA256SUMS; reinstall the package"
        )
    return path


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
