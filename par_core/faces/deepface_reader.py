"""The engine ``deepface``: the package of the paper's section 6.1, in its own process.

Serengil and Ozpinar, "LightFace: A hybrid deep face recognition framework", 2020; release 0.0.103. Only
gender and age are ever asked for.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np

from par_core.errors import BadConfigError, WeightsError, WorkerLostError
from par_core.faces.base import Face, FaceReadingError
from par_core.faces.worker_process import WorkerProcess
from par_core.ids import digest_of
from par_core.types import ImageU8

__all__ = ["INSTALL", "WORKER", "DeepFaceReader", "require_deepface_weights"]

WORKER: Final = Path(__file__).with_name("deepface_worker.py")
INSTALL: Final = 'pip install deepface==0.0.103 "opencv-contrib-python-headless<5" werkzeug'
#: Files of the networks, and their sizes as computed from the layers.
_FILES: Final = {"gender_model_weights.onnx": "537 MB", "age_model_weights.onnx": "539 MB"}
_SOURCES: Final = (
    "https://github.com/serengil/deepface_models/releases/download/v1.0/",
    "https://huggingface.co/serengil/deepface/resolve/main/",
)
_NOWHERE: Final = "http://127.0.0.1:9"  # the port of the discard service: nothing answers
_START_S: Final = 300.0  # also loads 1 GB of weights
_FRAME_S: Final = 120.0
_DEATHS: Final = 3  # pictures in a row that killed the worker, after which it is given up


class DeepFaceReader:
    """Reads faces with DeepFace, one picture at a time.

    Used as a context, it stops its process at the end. A worker that dies, hangs or answers with garbage is
    started again for the same picture once; then that picture fails.

    Args:
        python: Python of an environment with deepface.
        weights_dir: Folder that has, or gets, ``.deepface/weights/``.
        detector: One of DeepFace's detectors; ``opencv`` and ``skip`` need no further file.
        allow_downloads: Let DeepFace fetch missing weights; else it cannot reach the network by any proxy.
        worker: The program that runs there.
        start_s: Seconds for loading.
        frame_s: Seconds for a picture.

    Attributes:
        fingerprint: Digest of version, detector and weights.
        summary: One phrase for people.

    Raises:
        WeightsError: Weights are missing; names files, addresses and sizes.
        BadConfigError: The package cannot be loaded there.
    """

    def __init__(
        self,
        python: Path,
        weights_dir: Path,
        detector: str = "opencv",
        *,
        allow_downloads: bool = False,
        worker: Path = WORKER,
        start_s: float = _START_S,
        frame_s: float = _FRAME_S,
    ) -> None:
        if not allow_downloads:
            require_deepface_weights(weights_dir)
        self._command = [str(python), "-I", str(worker), detector]
        self._environment = _environment(weights_dir, allow_downloads)
        self._start_s, self._frame_s = start_s, frame_s
        self._deaths = 0
        try:
            started = self._started()
        except WorkerLostError as error:
            raise BadConfigError(f"deepface in {python}: {error}; its environment: {INSTALL}") from error
        self._worker: WorkerProcess | None = started
        hello = started.hello
        weights = sorted(f"{name} {sha256}" for name, sha256 in hello["weights"].items())
        self.fingerprint = digest_of("deepface/1", hello["version"], hello["engine"], detector, *weights)
        self.summary = f"deepface {hello['version']}, detector {detector}, on {hello['engine']}"

    def __enter__(self) -> "DeepFaceReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def read(self, cutouts: Sequence[ImageU8]) -> list[list[Face]]:
        """Read the faces in pictures.

        Returns:
            The faces of each picture, in DeepFace's order. A face of score 0 is its answer from the whole
            picture, since it found none.

        Raises:
            FaceReadingError: DeepFace failed on a picture, or the picture killed the worker twice.
            WorkerLostError: Three pictures in a row killed it.
        """
        return [self._faces(cutout) for cutout in cutouts]

    def _faces(self, cutout: ImageU8) -> list[Face]:
        try:
            answer = self._answer(cutout)
        except WorkerLostError as error:
            self._deaths += 1
            if self._deaths == _DEATHS:
                raise WorkerLostError(f"{_DEATHS} pictures in a row: {error}") from error
            raise FaceReadingError(str(error)) from error
        self._deaths = 0
        if "error" in answer:
            raise FaceReadingError(f"deepface: {answer['error']}")
        return [_face(face, cutout) for face in answer["faces"]]

    def _answer(self, cutout: ImageU8) -> dict[str, Any]:
        """Ask the worker, and the next one if it is lost over the picture."""
        try:
            return self._ask(cutout)
        except WorkerLostError:
            return self._ask(cutout)

    def _ask(self, cutout: ImageU8) -> dict[str, Any]:
        worker = self._worker or self._started()
        self._worker = None  # until it has answered
        answer = worker.ask(cutout, self._frame_s)
        self._worker = worker
        return answer

    def _started(self) -> WorkerProcess:
        worker = WorkerProcess(self._command, self._environment, self._start_s)
        if "error" in worker.hello:
            worker.close()
            raise WorkerLostError(str(worker.hello["error"]))
        return worker


def require_deepface_weights(weights_dir: Path) -> None:
    """Raise where the weights of gender or age are missing.

    Raises:
        WeightsError: Names the files, both addresses of each and their sizes, in one line.
    """
    folder = weights_dir / ".deepface" / "weights"
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        files = "; ".join(
            f"{name} ({_FILES[name]}) from {' or '.join(source + name for source in _SOURCES)}"
            for name in missing
        )
        raise WeightsError(f"put into {folder}: {files}; or let deepface fetch them: --allow-downloads")


def _environment(weights_dir: Path, allow_downloads: bool) -> dict[str, str]:
    environment = {
        **os.environ,
        "DEEPFACE_HOME": str(weights_dir.absolute()),
        "DEEPFACE_BACKEND_ENGINE": "onnx",
        "DEEPFACE_ONNX_PROVIDERS": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    if not allow_downloads:
        for scheme in ("HTTP", "HTTPS", "ALL"):
            environment |= {f"{scheme}_PROXY": _NOWHERE, f"{scheme.lower()}_proxy": _NOWHERE}
        environment |= {"NO_PROXY": "", "no_proxy": ""}
    return environment


def _face(answer: dict[str, Any], cutout: ImageU8) -> Face:
    x, y, width, height = answer["box"]
    limits = np.array([cutout.shape[1], cutout.shape[0]] * 2)
    left, top, right, bottom = np.clip([x, y, x + width, y + height], 0, limits).astype(float).tolist()
    score = float(np.clip(answer["confidence"], 0, 1))
    woman = float(np.clip(answer["woman_percent"] / 100, 0, 1))
    return Face((left, top, right, bottom), score, woman, float(answer["age"]))
