"""The two parts that are compared for leakage, and what is looked at of every picture: digest, perceptual
hash, embedding.
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
from par_core.predictions.cache import Observer
from par_core.status import Status

__all__ = ["Part", "Seen", "folder_part", "look_at", "set_parts"]

_BLOCK: Final = 256  # pictures whose observations are kept together, so that a stopped run continues


@dataclass(frozen=True, slots=True)
class Part:
    """The pictures of one side.

    Attributes:
        files: One a person.
        names: As the data set has them, for reports and lists.
        identities: Who each is, "" where not known.
        rows: Their places in the data set; of a folder 0, 1, 2 ...
    """

    files: tuple[Path, ...]
    names: tuple[Path, ...]
    identities: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of n pictures.

    Attributes:
        statuses: ``ok``, or why a picture could not be read.
        digests: Of the file's bytes; None where unreadable.
        hashes: Perceptual; None where unreadable.
        embeddings: Rows of L2 norm 1; NaN where unreadable, and of width 0 where they were not asked for.
    """

    statuses: tuple[str, ...]
    digests: tuple[str | None, ...]
    hashes: tuple[int | None, ...]
    embeddings: Float32[np.ndarray, "n d"]


def folder_part(folder: Path) -> Part:
    """All pictures under a folder, by name; hidden files are passed over.

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
    """Train (with val, which training sees as well) and test of a data set.

    Args:
        data: As it was read.
        cut: The same with a picture for each person.

    Raises:
        BadConfigError: The data set has no such parts.
    """
    if not data.parts.get("train") or not data.parts.get("test"):
        there = ", ".join(data.parts) or "none"
        raise BadConfigError(
            f"{data.name}: leakage is between the parts train and test; the parts are: {there}. Name two"
            " folders instead: par leakage TRAIN TEST"
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


def look_at(files: Sequence[Path], config: RunConfig, observer: Observer, *, embed: bool) -> Seen:
    """Look at pictures, a block at a time; what was looked at before is read from the observer's folder.

    Args:
        files: Pictures of one person each.
        config: Names the models and how people are cut out.
        observer: Looks at the people in them, and remembers.
        embed: Whether embeddings are wanted.

    Raises:
        WeightsError: The weights of the profile are missing.
    """
    blocks = [
        _block(files[start : start + _BLOCK], config, observer.folder)
        for start in range(0, len(files), _BLOCK)
    ]
    statuses, digests, hashes = (
        [each for block in blocks for each in block[part].tolist()] for part in range(3)
    )
    ok = np.array([status == Status.OK.value for status in statuses], bool)
    embeddings = np.zeros((len(files), 0), np.float32)
    if embed and ok.any():
        (told,) = observer.people([file for file, known in zip(files, ok, strict=True) if known], [config])
        embeddings = np.full((len(files), told.descriptions.embeddings.shape[1]), np.nan, np.float32)
        embeddings[ok] = told.descriptions.embeddings
    return Seen(
        tuple(statuses),
        tuple(digest if known else None for digest, known in zip(digests, ok, strict=True)),
        tuple(int(each) if known else None for each, known in zip(hashes, ok, strict=True)),
        embeddings,
    )


_Block = tuple[np.ndarray, np.ndarray, np.ndarray]


def _block(files: Sequence[Path], config: RunConfig, kept: Path) -> _Block:
    """Statuses, digests and hashes."""
    versions = [_version(file) for file in files]
    file = kept / f"{digest_of(*map(str, files), *versions)}.npz"
    if file.exists():
        with np.load(file) as there:
            return there["statuses"], there["digests"], there["hashes"]
    looks = [_look(each, config) for each in files]
    statuses, digests, hashes = (
        np.array([str(s) for s, _, _ in looks]),
        np.array([d for _, d, _ in looks]),
        np.array([h for _, _, h in looks], np.uint64),
    )
    if Status.IO_ERROR not in statuses:  # which may pass
        content = io.BytesIO()
        np.savez(content, statuses=statuses, digests=digests, hashes=hashes)
        write_atomic(file, content.getvalue())
    return statuses, digests, hashes


def _version(file: Path) -> str:
    """Size and time; empty for a file that is out of reach, such as a link that leads nowhere."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_size}/{found.st_mtime_ns}"


def _look(file: Path, config: RunConfig) -> tuple[str, str, int]:
    """Status, digest and hash."""
    try:
        content = file.read_bytes()
        return Status.OK.value, image_id(content), perceptual_hash(decode(content, config.archive).pixels)
    except UnreadableImageError as error:
        return error.status.value, "", 0
    except OSError as error:
        raise_shortage(error)
        return Status.IO_ERROR.value, "", 0
