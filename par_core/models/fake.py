"""The ``fake`` profile: tiny deterministic models for tests and dry runs, without weights and without torch.

Its people are flat areas of one saturated colour; its words are colour names. Everything around the models
(archives, shards, runners, store, search) runs exactly as with real ones.
"""

import re
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from par_core.people.masks import encode_mask
from par_core.types import Descriptions, Embeddings, ImageU8, PersonInstances

__all__ = ["FakeDescriber", "FakeSegmenter", "FakeTextEncoder"]

COLOURS: Final = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "magenta": (255, 0, 255),
    "cyan": (0, 255, 255),
}
_SATURATED: Final = 120  # least difference between the largest and the smallest channel of a person's pixel
_SMALLEST: Final = 16  # pixels of area below which a coloured patch is noise


class FakeSegmenter:
    """Every connected area of saturated colour is a person; the score grows with its share of the image."""

    fingerprint = "fake-segmenter-1"
    summary = "fake segmenter (coloured areas), no weights"

    def segment(self, images: Sequence[ImageU8]) -> list[PersonInstances]:
        """Segment images of any sizes."""
        return [self._segment(image) for image in images]

    def _segment(self, image: ImageU8) -> PersonInstances:
        saturated = (image.max(axis=2).astype(np.int16) - image.min(axis=2)) >= _SATURATED
        n, labels, stats, _ = cv2.connectedComponentsWithStats(saturated.astype(np.uint8), connectivity=8)
        areas = [
            (int(stats[i, cv2.CC_STAT_AREA]), i)
            for i in range(1, n)
            if stats[i, cv2.CC_STAT_AREA] >= _SMALLEST
        ]
        people = [i for _, i in sorted(areas, key=lambda pair: (-pair[0], pair[1]))]
        boxes = np.array([_box(stats[i]) for i in people], np.float32).reshape(-1, 4)
        scores = np.array([0.5 + 0.5 * stats[i, cv2.CC_STAT_AREA] / labels.size for i in people], np.float32)
        return PersonInstances(
            boxes=boxes, scores=scores, masks=tuple(encode_mask(labels == i) for i in people)
        )


class FakeDescriber:
    """The embedding is the nearness to six colours; the attributes are how bright and tall a cut-out is."""

    fingerprint = "fake-describer-1"
    embedding_fingerprint = "fake-embedding-1"
    attributes: tuple[str, ...] = ("bright", "tall")
    thresholds: tuple[float, ...] = (0.5, 0.5)
    embedding_size = len(COLOURS)
    aspect = 2.0
    batch_size = 16
    summary = "fake describer (mean colours), no weights"

    def describe(self, cutouts: Sequence[ImageU8]) -> Descriptions:
        """Describe n cut-outs of any sizes."""
        rows = [_nearness(_strongest(image)) for image in cutouts]
        attributes = [
            (float(image.mean()) / 255, min(1.0, image.shape[0] / (2 * image.shape[1]))) for image in cutouts
        ]
        return Descriptions(
            embeddings=np.array(rows, np.float32).reshape(-1, len(COLOURS)),
            probabilities=np.array(attributes, np.float32).reshape(-1, 2),
        )


class FakeTextEncoder:
    """A sentence is the mean of the colours that it names."""

    embedding_fingerprint = "fake-embedding-1"
    logit_scale = 20.0

    def encode(self, sentences: Sequence[str]) -> Embeddings:
        """Embed sentences; one that names no colour is equally near to all."""
        rows = []
        for sentence in sentences:
            named = [np.array(rgb, np.float32) for name, rgb in COLOURS.items() if name in _words(sentence)]
            rows.append(
                _nearness(np.mean(named, axis=0)) if named else np.full(len(COLOURS), len(COLOURS) ** -0.5)
            )
        return np.array(rows, np.float32).reshape(-1, len(COLOURS))

    def parts(self, sentence: str) -> tuple[str, ...]:
        """A sentence of any length is read at once."""
        return (sentence,)

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """Words that are neither a colour nor grammar."""
        return tuple(
            word
            for word in _words(sentence)
            if word not in COLOURS and word not in {"a", "of", "person", "photo", "in", "street"}
        )


def _words(sentence: str) -> list[str]:
    return re.findall(r"\w+", sentence.lower())


def _box(stats: np.ndarray) -> tuple[float, float, float, float]:
    x, y, width, height = (
        float(stats[key])
        for key in (cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)
    )
    return x, y, x + width, y + height


def _strongest(image: ImageU8) -> np.ndarray:
    pixels = image.reshape(-1, 3).astype(np.float32)
    return pixels[(pixels.max(axis=1) - pixels.min(axis=1)).argmax()]


def _nearness(rgb: np.ndarray) -> np.ndarray:
    distances = np.linalg.norm(np.array(list(COLOURS.values()), np.float32) - rgb, axis=1)
    near = np.exp(-distances / 100)
    return near / np.linalg.norm(near)
