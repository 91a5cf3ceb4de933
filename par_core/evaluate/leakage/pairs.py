"""Pairs of pictures that are known to be the same or not: copies made here, and different pictures of a part.

The threshold from which two embeddings count as the same person's picture depends on the model and on the
pictures. So it is chosen on the very pictures that are compared: changed copies of some of them are pairs
that are the same, two pictures of one part are pairs that are not. Where a part holds the same person twice
and does not say so, such pairs make the threshold stricter, never looser.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from par_core.archive import decode
from par_core.atomic import write_atomic
from par_core.config import RunConfig
from par_core.evaluate.leakage.perceptual_hash import hash_distances
from par_core.evaluate.leakage.pictures import PictureFeatures, picture_features
from par_core.evaluate.leakage.threshold import Threshold, choose_threshold
from par_core.predictions.cache import PredictionCache
from par_core.status import Status
from par_core.types import ImageU8

__all__ = ["COPIES", "EmbeddingThreshold", "copy_distances", "embedding_threshold", "other_distances"]


def _jpeg(image: ImageU8) -> ImageU8:
    return np.asarray(
        cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR),
        np.uint8,
    )


def _cropped(image: ImageU8) -> ImageU8:
    y, x = (round(side * 0.05) for side in image.shape[:2])
    return np.ascontiguousarray(image[y : image.shape[0] - y, x : image.shape[1] - x])


#: How copies are made of a picture.
COPIES: Final[dict[str, Callable[[ImageU8], ImageU8]]] = {
    "JPEG of quality 30": _jpeg,
    "half the size": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "cropped by 5 % a side": _cropped,
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "30 % brighter": lambda image: np.clip(image * 1.3, 0, 255).astype(np.uint8),
}
_COPIED: Final = 60  # pictures that copies are made of
_LEAST_SIDE: Final = 8  # pixels; smaller pictures are not copied
_COMPARED: Final = 2_000  # pictures that are compared with each other


@dataclass(frozen=True, slots=True)
class EmbeddingThreshold:
    """Threshold of near embeddings, and how many copies are within it.

    Attributes:
        threshold: Largest distance that counts.
        rate: The false positive rate that was allowed: the requested one, or 2 / number of known others where
            these are too few to measure it.
        found: Share of the copies within the threshold, by how they were made.
    """

    threshold: Threshold
    rate: float
    found: dict[str, float]


def embedding_threshold(
    files: Sequence[Path],
    identities: Sequence[str],
    features: PictureFeatures,
    max_bits: int,
    rate: float,
    config: RunConfig,
    cache: PredictionCache,
) -> EmbeddingThreshold:
    """Choose a threshold on known pairs of a part's pictures.

    Args:
        files: The pictures.
        identities: Identity of each, "" where not known.
        features: Features of the pictures, with embeddings.
        max_bits: Pictures whose hashes differ by no more are not taken as different.
        rate: The false positive rate allowed.
        config: Names the models and how people are cut out.
        cache: Predictions, computed where missing; copies are kept in its folder.

    Raises:
        BadInputError: There are no two different pictures, or none can be copied.
    """
    same = copy_distances(files, features, config, cache)
    others = other_distances(identities, features, max_bits)
    allowed = max(rate, min(0.5, 2 / max(len(others), 1)))
    chosen = choose_threshold(np.concatenate([np.empty(0), *same.values()]), others, allowed)
    return EmbeddingThreshold(
        chosen,
        allowed,
        {name: float((apart <= chosen.distance).mean()) for name, apart in same.items() if len(apart)},
    )


def copy_distances(
    files: Sequence[Path], features: PictureFeatures, config: RunConfig, cache: PredictionCache
) -> dict[str, Float64[np.ndarray, " _"]]:
    """Return 1 - cosine between pictures and their copies, by how these were made; for pictures spread over
    the part.
    """
    readable = [i for i, status in enumerate(features.statuses) if status == Status.OK]
    chosen = [
        readable[i]
        for i in np.unique(
            np.linspace(0, len(readable) - 1, min(_COPIED, len(readable))).astype(int)
        ).tolist()
    ]
    copies: dict[str, list[tuple[int, Path]]] = {name: [] for name in COPIES}
    for i in chosen:
        picture = decode(files[i].read_bytes(), config.archive).pixels
        if min(picture.shape[:2]) >= _LEAST_SIDE:
            for number, (name, change) in enumerate(COPIES.items()):
                file = cache.folder / f"{features.digests[i]}-{number}.png"
                if not file.exists():
                    write_atomic(file, cv2.imencode(".png", change(picture)[..., ::-1])[1].tobytes())
                copies[name].append((i, file))
    copied = picture_features(
        [file for made in copies.values() for _, file in made], config, cache, embed=True
    ).embeddings
    originals = features.embeddings[[i for made in copies.values() for i, _ in made]]
    apart = (
        np.maximum(1 - (copied * originals).sum(axis=1, dtype=np.float64), 0) if len(copied) else np.empty(0)
    )
    ends = np.cumsum([len(made) for made in copies.values()])[:-1]
    return dict(zip(copies, np.split(apart, ends), strict=True))


def other_distances(
    identities: Sequence[str], features: PictureFeatures, max_bits: int
) -> Float64[np.ndarray, " _"]:
    """Return 1 - cosine of pairs of different pictures; without pairs of one known identity, of equal
    digests, or of near hashes.
    """
    readable = np.array([i for i, status in enumerate(features.statuses) if status == Status.OK], np.int64)
    rows = readable[
        np.unique(np.linspace(0, max(len(readable) - 1, 0), min(_COMPARED, len(readable))).astype(int))
    ]
    embeddings: Float32[np.ndarray, "n d"] = features.embeddings[rows]
    hashes = np.array([features.hashes[i] for i in rows.tolist()], np.uint64)
    who = np.array([identities[i] or f"unknown {i}" for i in rows.tolist()], dtype=object)
    digests = np.array([features.digests[i] for i in rows.tolist()], dtype=object)
    first, second = np.triu_indices(len(rows), 1)
    different = (
        (who[first] != who[second])
        & (digests[first] != digests[second])
        & (hash_distances(hashes[first], hashes[second]) > max_bits)
    )
    return np.maximum(1 - (embeddings @ embeddings.T)[first, second], 0).astype(np.float64)[different]
