"""Gender and age from faces, for the command line: the paper's Table 2."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.faces.base import FaceReader
from par_core.predictions.cache import Compute
from par_core.predictions.compute import compute_here
from par_core.studies.evaluation import EvaluationRequest, FaceEngine, plain, run_evaluation

__all__ = ["ENGINES", "face_reader", "read_faces_of"]

ENGINES: Final = ("face-api", "deepface")


def read_faces_of(
    request: EvaluationRequest,
    config: RunConfig,
    out: Path | None = None,
    *,
    compute: Compute = compute_here,
) -> dict[str, Any]:
    """Read the faces of a data set and score gender and age, beside PAR's ``female``.

    Returns:
        The figures of :func:`par_core.evaluate.faces.run.evaluate_faces`, ``intervals`` and ``about``; NaN
        becomes None.

    Raises:
        BadConfigError: No such data set or engine, or something that the engine needs is missing.
        WorkerLostError: DeepFace's process died on three pictures in a row.
    """
    from par_core.evaluate.faces.run import evaluate_faces
    from par_core.reports.faces import write_faces

    with face_reader(request.faces) as reader:
        by = partial(evaluate_faces, reader=reader, heights=request.faces.heights)
        run, scores = run_evaluation(request, config, out, compute, by)
        about = scores.pop("about") | {"face_engine": reader.summary, "face_fingerprint": reader.fingerprint}
    ranges = {name: asdict(interval) for name, interval in run.intervals.items()}
    scores = plain({**scores, "intervals": ranges, "about": about})
    if out is not None:
        write_faces(out, run, scores, config.archive)
    return scores


@contextmanager
def face_reader(engine: FaceEngine) -> Iterator[FaceReader]:
    """Provide the reader of an engine in the block.

    Raises:
        BadConfigError: There is no such engine, or it lacks something; says what.
    """
    if engine.name not in ENGINES:
        raise BadConfigError(f"no engine {engine.name!r} reads faces; there are: {', '.join(ENGINES)}")
    if engine.name == "face-api":
        if engine.python is not None or engine.allow_downloads:
            raise BadConfigError("--python and --allow-downloads are for --engine deepface")
        from par_core.faces.face_api import DETECTORS, load_face_api

        yield load_face_api(engine.weights_dir, engine.detector or DETECTORS[0])
        return
    from par_core.faces.deepface_reader import INSTALL, DeepFaceReader
    from par_core.models.published import cache

    if engine.python is None:
        raise BadConfigError(f"deepface needs --python: the Python of an environment made by: {INSTALL}")
    with DeepFaceReader(
        engine.python,
        engine.weights_dir or cache() / "deepface",
        engine.detector or "opencv",
        allow_downloads=engine.allow_downloads,
    ) as reader:
        yield reader
