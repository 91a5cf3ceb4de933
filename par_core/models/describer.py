"""The compact describer: one small network that gives embedding and attributes in one forward pass, on inputs
twice as high as wide (``describer_network`` says what it computes).
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from par_core.models.answers import Answers
from par_core.models.measuring import measured_batch
from par_core.models.resizing import resize
from par_core.models.runtimes import Runtime
from par_core.models.shipped import CALIBRATION, shipped_path
from par_core.types import Descriptions, ImageU8

__all__ = [
    "EMBEDDING_SIZE",
    "HEIGHT",
    "WIDTH",
    "CompactDescriber",
    "fitted",
    "letterbox",
    "read_answers",
    "typical_input",
]

HEIGHT: Final = 448
WIDTH: Final = 224
EMBEDDING_SIZE: Final = 256


class CompactDescriber:
    """A describer network behind PAR's contract.

    Args:
        network: Network with trained weights, of the kind that the runtime computes: pictures
            (b, 3, 448, 224) of RGB in [0, 255] in; embeddings (b, 256) and logits (b, k) out.
        answers: Meaning of the logits.
        fingerprint: Digest of weights and code.
        embedding_fingerprint: Digest of the weights, shared with the text tower.
        runtime: Runtime that computes the network.
    """

    embedding_size = EMBEDDING_SIZE
    aspect = HEIGHT / WIDTH

    def __init__(
        self,
        network: Any,
        answers: Answers,
        fingerprint: str,
        embedding_fingerprint: str,
        runtime: Runtime,
    ) -> None:
        self.attributes, self.thresholds = answers.names, answers.thresholds
        self.fingerprint = fingerprint
        self.embedding_fingerprint = embedding_fingerprint
        self._answers = answers
        example = typical_input()
        self._forward = runtime.compile(network, (example,), fingerprint)
        self.batch_size = measured_batch(
            self._forward, example, runtime.device, f"{runtime.name}/{fingerprint}"
        )
        self.summary = (
            f"compact EfficientNet-Lite2 with attention pooling ({runtime.name}, {runtime.precision})"
        )

    def describe(self, cutouts: Sequence[ImageU8]) -> Descriptions:
        """Describe n cut-outs of any sizes."""
        if not cutouts:
            return Descriptions(
                np.zeros((0, EMBEDDING_SIZE), np.float32), np.zeros((0, len(self.attributes)), np.float32)
            )
        batch = np.stack([letterbox(cutout) for cutout in cutouts]).astype(np.float32)
        embeddings, logits = self._forward(batch)
        norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
        return Descriptions((embeddings / norms).astype(np.float32), self._answers.probabilities(logits))


def read_answers(attributes: Sequence[str]) -> Answers:
    """Read the shipped calibration and thresholds of some attributes.

    Raises:
        WeightsError: The shipped file is missing or damaged.
    """
    return Answers.of_json(json.loads(shipped_path(CALIBRATION).read_text())["attributes"]).ordered(
        attributes
    )


def typical_input() -> Float32[np.ndarray, "1 3 448 224"]:
    """Return an input of the network with fixed random values."""
    return np.random.default_rng(0).random((1, 3, HEIGHT, WIDTH), np.float32) * 255


def letterbox(cutout: ImageU8) -> UInt8[np.ndarray, "3 448 224"]:
    """Fit a cut-out into 448 x 224 without distorting it; the rest takes its mean colour."""
    rows, columns, top, left = fitted(*cutout.shape[:2])
    canvas = np.empty((3, HEIGHT, WIDTH), np.uint8)
    canvas[:] = np.round(cv2.mean(np.ascontiguousarray(cutout))[:3])[:, None, None]
    canvas[:, top : top + rows, left : left + columns] = resize(cutout, rows, columns).transpose(2, 0, 1)
    return canvas


def fitted(height: int, width: int) -> tuple[int, int, int, int]:
    """Return where a cut-out of a size lies in the network's input: rows, columns, top, left."""
    scale = min(HEIGHT / height, WIDTH / width)
    rows, columns = max(1, min(HEIGHT, round(height * scale))), max(1, min(WIDTH, round(width * scale)))
    return rows, columns, (HEIGHT - rows) // 2, (WIDTH - columns) // 2
