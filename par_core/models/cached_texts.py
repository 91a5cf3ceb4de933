"""Embeddings of fixed sentences, kept in PAR's cache folder so that a start need not compute them again."""

import contextlib
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from par_core.atomic import write_atomic
from par_core.ids import digest_of
from par_core.models.base import TextEncoder
from par_core.models.runtimes import cache_folder
from par_core.types import Embeddings

__all__ = ["cached_embeddings"]

_DIGEST_BYTES: Final = 32


def cached_embeddings(sentences: Sequence[str], encoder: TextEncoder) -> Embeddings:
    """Return the embeddings of sentences, (n, d) with rows of L2 norm 1.

    They are read from ``texts/`` in the cache folder if an encoder with the same embedding fingerprint has
    embedded the same sentences before. A file is a SHA-256 and the array that it is of; one that is missing
    or damaged is written again. Where the folder cannot be written, nothing is kept.
    """
    file = cache_folder() / "texts" / f"{digest_of(encoder.embedding_fingerprint, *sentences)}.npy"
    kept = _read(file)
    if kept is not None:
        return kept
    vectors = encoder.encode(sentences)
    with contextlib.suppress(OSError):
        _write(file, vectors)
    return vectors


def _read(file: Path) -> Embeddings | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, array = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(array).digest() != digest:
        return None
    vectors: Embeddings = np.load(io.BytesIO(array), allow_pickle=False)
    return vectors


def _write(file: Path, vectors: Embeddings) -> None:
    array = io.BytesIO()
    np.save(array, vectors, allow_pickle=False)
    write_atomic(file, hashlib.sha256(array.getvalue()).digest() + array.getvalue())
