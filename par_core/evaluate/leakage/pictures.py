"""The two parts that are compared for leakage, and the features of every picture: digest, perceptual hash,
embedding.
"""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32

from par_core.archive import decode
from par_core.archive.entries import is_hidden, is_image_name
from par_core.archive.shortage import raise_shortage
from par_core.atomic import write_atomic
from par_core.config import RunConfig
from par_core.datasets.attribute_sets import AttributeSet
from par_core.errors import BadConfigError, UnreadableImageError
from par_core.evaluate.leakage.perceptual_hash import perceptual_hash
from par_core.ids import digest_of, image_id
from par_core.predictions.cache import PredictionCache
from par_core.status import Status

__all__ = ["Part", "PictureFeatures", "folder_part", "picture_features", "set_parts"]

_BLOCK: Final = 256  # pictures whose features are stored together, so that a stopped run continues


@dataclass(frozen=True, slots=True)
class Part:
    """Pictures of one side.

    Attributes:
        files: One picture a person.
        names: Paths as the data set has them, for reports and lists.
        identities: Identity of each, "" where not known.
        rows: Their rows in the data set; for a folder 0, 1, 2 ...
    """

    files: tuple[Path, ...]
    names: tuple[Path, ...]
    identities: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """Features of n pictures.

    Attributes:
        statuses: ``ok``, or why a picture could not be read.
        digests: Digests of the file's bytes; None where unreadable.
        hashes: Perceptual hashes; None where unreadable.
        embeddings: Rows of L2 norm 1; NaN where unreadable, and of width 0 where they were not computed.
    """

    statuses: tuple[str, ...]
    digests: tuple[str | None, ...]
    hashes: tuple[int | None, ...]
    embeddings: Float32[np.ndarray, "n d"]


def folder_part(folder: Path) -> Part:
    """Return all pictures under a folder, by name; hidden files are skipped.

    Raises:
        BadConfigError: It is no folder, or holds no pictures.
    """
    if not folder.is_dir():
        raise BadConfigError(f"{folder} is no folder")
    files = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        files += [Path(place) / name for name in names if is_image_name(name) and not is_hidden(name)]
    if not files:
        raise BadConfigError(f"{folder} holds no pictures")
    files.sort()
    return Part(tuple(files), tuple(files), ("",) * len(files), tuple(range(len(files))))


def set_parts(data: AttributeSet, cut: AttributeSet) -> tuple[Part, Part]:
    """Return train (with val, which is used in training too) and test of a data set.

    Args:
        data: Data set as it was read.
        cut: Same data set with a picture for each person.

    Raises:
        BadConfigError: The data set has no such parts.
    """
    if not data.parts.get("train") or not data.parts.get("test"):
        known_parts = ", ".join(data.parts) or "none"
        raise BadConfigError(
            f"{data.name}: leakage is between the parts train and test; the parts are: {known_parts}. Name"
            " two folders instead: par leakage TRAIN TEST"
        )
    who = data.identities or ("",) * len(data.people)

    def part(rows: Sequence[int]) -> Part:
        return Part(
            tuple(cut.people[i].image for i in rows),
            tuple(data.people[i].image for i in rows),
            tuple(who[i] for i in rows),
            tuple(rows),
        )

    return part(sorted((*data.parts["train"], *data.parts.get("val", ())))), part(data.parts["test"])


def picture_features(
    files: Sequence[Path], config: RunConfig, cache: PredictionCache, *, embed: bool
) -> PictureFeatures:
    """Compute the features of pictures, a block at a time; those computed before are read from the cache's
    folder.

    Args:
        files: Pictures of one person each.
        config: Names the models and how people are cut out.
        cache: Predictions, computed where missing.
        embed: Whether to compute embeddings.

    Raises:
        WeightsError: The weights of the profile are missing.
    """
    blocks = [
        _block(files[start : start + _BLOCK], config, cache.folder) for start in range(0, len(files), _BLOCK)
    ]
    statuses, digests, hashes = (
        [value for block in blocks for value in block[part].tolist()] for part in range(3)
    )
    ok = np.array([status == Status.OK.value for status in statuses], bool)
    embeddings = np.zeros((len(files), 0), np.float32)
    if embed and ok.any():
        (predicted,) = cache.people([file for file, known in zip(files, ok, strict=True) if known], [config])
        embeddings = np.full((len(files), predicted.descriptions.embeddings.shape[1]), np.nan, np.float32)
        embeddings[ok] = predicted.descriptions.embeddings
    return PictureFeatures(
        tuple(statuses),
        tuple(digest if known else None for digest, known in zip(digests, ok, strict=True)),
        tuple(int(value) if known else None for value, known in zip(hashes, ok, strict=True)),
        embeddings,
    )


_Block = tuple[np.ndarray, np.ndarray, np.ndarray]


def _block(files: Sequence[Path], config: RunConfig, kept: Path) -> _Block:
    """Return statuses, digests and hashes."""
    versions = [_version(file) for file in files]
    file = kept / f"{digest_of(*map(str, files), *versions)}.npz"
    if file.exists():
        with np.load(file) as stored:
            return stored["statuses"], stored["digests"], stored["hashes"]
    features = [_features(picture, config) for picture in files]
    statuses, digests, hashes = (
        np.array([str(s) for s, _, _ in features]),
        np.array([d for _, d, _ in features]),
        np.array([h for _, _, h in features], np.uint64),
    )
    if Status.IO_ERROR not in statuses:  # which may pass
        content = io.BytesIO()
        np.savez(content, statuses=statuses, digests=digests, hashes=hashes)
        write_atomic(file, content.getvalue())
    return statuses, digests, hashes


def _version(file: Path) -> str:
    """Return size and time; empty for a file that is out of reach, such as a link that leads nowhere."""
    try:
        stat = file.stat()
    except OSError:
        return ""
    return f"{stat.st_size}/{stat.st_mtime_ns}"


def _features(file: Path, config: RunConfig) -> tuple[str, str, int]:
    """Return status, digest and hash."""
    try:
        content = file.read_bytes()
        return Status.OK.value, image_id(content), perceptual_hash(decode(content, config.archive).pixels)
    except UnreadableImageError as error:
        return error.status.value, "", 0
    except OSError as error:
        raise_shortage(error)
        return Status.IO_ERROR.value, "", 0
