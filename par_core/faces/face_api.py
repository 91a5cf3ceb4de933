"""The engine ``face-api``: a detector, then age and gender of every face, on OpenVINO in this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np

from par_core.errors import BadConfigError
from par_core.faces.age_gender import AgeGender
from par_core.faces.base import Face
from par_core.faces.detectors import FaceDetector
from par_core.faces.manifest import read_manifest
from par_core.faces.npm_packages import FACE_API, find_face_api
from par_core.faces.short_range import ShortRangeDetector
from par_core.faces.ssd import SsdDetector
from par_core.ids import digest_of
from par_core.types import ImageU8

__all__ = ["DETECTORS", "FaceApiReader", "load_face_api"]

#: Names of the detectors: MediaPipe's short range on the head, the SSD on the whole person.
DETECTORS: Final = ("short-range", "ssd")
Detector = Literal["short-range", "ssd"]

#: Raised by hand when the code changes an answer.
_CODE: Final = "face-api/1"


class FaceApiReader:
    """Reads faces with the weights of ``@vladmandic/face-api``.

    Args:
        detector: Finds the faces.
        network: Answers for each face.

    Attributes:
        network: Age and gender of faces that are cut out.
        fingerprint: Digest of weights, detector and code.
        summary: One phrase for people.
    """

    def __init__(self, detector: FaceDetector, network: AgeGender) -> None:
        self._detector, self.network = detector, network
        package = FACE_API[0]
        self.fingerprint = digest_of(_CODE, detector.name, *(each.sha256 for each in FACE_API))
        self.summary = f"{package.name} {package.version}, detector {detector.name}, on openvino"

    def read(self, cutouts: Sequence[ImageU8]) -> list[list[Face]]:
        """Read the faces in pictures of people, each of any size.

        Returns:
            The faces of each picture, highest score first; none where there is no face.
        """
        return [self._faces(cutout) for cutout in cutouts]

    def _faces(self, cutout: ImageU8) -> list[Face]:
        boxes, scores = self._detector.find(cutout)
        pieces = [_inside(box, cutout) for box in boxes]
        shown = [i for i, piece in enumerate(pieces) if piece.size]
        women, ages = self.network.answer([pieces[i] for i in shown])
        return [
            Face(_corners(boxes[i]), float(scores[i]), float(woman), float(age))
            for i, woman, age in zip(shown, women, ages, strict=True)
        ]


def load_face_api(
    weights_dir: Path | None, detector: str = DETECTORS[0], *, min_score: float = 0.5, threads: int = 1
) -> FaceApiReader:
    """Load the engine.

    Args:
        weights_dir: Folder of weights, with a folder ``face-api``; None for the cache.
        detector: One of ``DETECTORS``.
        min_score: Lowest score of a face, in [0, 1], exclusive.
        threads: Number of threads.

    Raises:
        BadConfigError: No such detector, or OpenVINO is not installed.
        WeightsError: Weights are missing or are not the published ones.
    """
    if detector not in DETECTORS:
        raise BadConfigError(f"face-api has no detector {detector!r}; there are: {', '.join(DETECTORS)}")
    folder = find_face_api(weights_dir)
    finds: FaceDetector
    if detector == "ssd":
        tensors = read_manifest(folder / "ssd_mobilenetv1_model-weights_manifest.json")
        finds = SsdDetector(tensors, min_score=min_score, threads=threads)
    else:
        path = folder / "face_detection_short_range.tflite"
        finds = ShortRangeDetector(path, min_score=min_score, threads=threads)
    network = AgeGender(read_manifest(folder / "age_gender_model-weights_manifest.json"), threads=threads)
    return FaceApiReader(finds, network)


def _inside(box: np.ndarray, picture: ImageU8) -> ImageU8:
    """The pixels of a box, rounded as the package does it: corner and size down to whole pixels."""
    left, top = np.floor(box[:2]).astype(int)
    width, height = np.floor(box[2:] - box[:2]).astype(int)
    return picture[top : top + height, left : left + width]


def _corners(box: np.ndarray) -> tuple[float, float, float, float]:
    left, top, right, bottom = map(float, box)
    return left, top, right, bottom
