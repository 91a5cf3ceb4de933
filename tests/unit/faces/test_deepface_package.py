"""The real package with networks of 1 kB in place of its weights, in an environment of its own, which pip
fills (0.5 GB): detection, its answers without a face, its errors. PAR_DEEPFACE_PYTHON names one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from par_core.errors import BadConfigError
from par_core.faces.base import choose_face, whole_picture_answer
from par_core.faces.deepface_reader import INSTALL, DeepFaceReader
from par_core.studies.evaluation import EvaluationRequest, FaceEngine
from par_core.studies.faces import read_faces_of
from tests.indexing import FAKE
from tests.pictures import save

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("PAR_DEEPFACE_PYTHON")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("deepface") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    packages = INSTALL.removeprefix("pip install ").replace('"', "").split()
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *packages, "onnx"], check=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def home(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    script = Path(__file__).with_name("stub_networks.py")
    subprocess.run([str(python), str(script), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def reader(python: Path, home: Path) -> Iterator[DeepFaceReader]:
    with DeepFaceReader(python, home) as started:
        yield started


def astronaut() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:, :450])


def test_the_face_of_a_person(reader: DeepFaceReader) -> None:
    assert reader.summary == "deepface 0.0.103, detector opencv, on onnx"
    (faces,) = reader.read([astronaut()])
    face = choose_face(faces, astronaut().shape[0])
    assert face is not None
    x1, y1, x2, y2 = face.box
    assert 150 < x1 < 200 < 250 < x2 < 300
    assert 50 < y1 < 90 < 150 < y2 < 200
    assert 0.5 < face.score <= 1
    assert face.woman == pytest.approx(0.25, abs=1e-4)
    assert face.age == 33.0, "33.5, truncated"


def test_several_faces(reader: DeepFaceReader) -> None:
    twice = np.hstack([astronaut(), astronaut()])
    (faces,) = reader.read([twice])
    assert len([face for face in faces if face.score > 0]) >= 2


@pytest.mark.parametrize("height", [64, 300])
def test_without_a_face_the_answer_is_from_the_whole_picture(reader: DeepFaceReader, height: int) -> None:
    blank = np.full((height, height // 2, 3), 90, np.uint8)
    (faces,) = reader.read([blank])
    whole = whole_picture_answer(faces)
    assert choose_face(faces, height) is None
    assert whole is not None
    assert (whole.woman, whole.age) == (pytest.approx(0.25, abs=1e-4), 33.0)
    assert whole.box == (0.0, 0.0, height // 2 - 1.0, height - 1.0)


def test_skipping_detection_answers_from_the_whole_picture_alone(python: Path, home: Path) -> None:
    with DeepFaceReader(python, home, "skip") as skipping:
        (faces,) = skipping.read([astronaut()])
        assert [face.score for face in faces] == [0.0]


def test_an_unknown_detector_and_a_damaged_file_are_reported_before_the_work(
    python: Path, tmp_path: Path, home: Path
) -> None:
    with pytest.raises(BadConfigError, match="deepface in"):
        DeepFaceReader(python, home, "no-such-detector")
    folder = tmp_path / ".deepface" / "weights"
    folder.mkdir(parents=True)
    for name in ("gender", "age"):
        (folder / f"{name}_model_weights.onnx").write_bytes(b"damaged")
    with pytest.raises(BadConfigError, match="onnx"):
        DeepFaceReader(python, tmp_path)


def test_nothing_is_fetched_without_leave(python: Path, home: Path) -> None:
    """yunet needs a file that is not there."""
    with pytest.raises(BadConfigError, match=r"face_detection_yunet.*onnx"):
        DeepFaceReader(python, home, "yunet")


def test_a_data_set_is_evaluated_with_it(python: Path, home: Path, tmp_path: Path) -> None:
    """One of three people shows her face; the stand-in calls everybody a man of 33."""
    grey_face = np.repeat(astronaut().mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    save(tmp_path / "face.png", grey_face)  # without a colour in which the fake segmenter sees people
    for name, grey in (("a.png", 90), ("b.png", 120)):
        save(tmp_path / name, np.full((200, 100, 3), grey, np.uint8))
    (tmp_path / "labels.csv").write_text("image,female,Age31-45\nface.png,1,1\na.png,1,0\nb.png,0,0\n")
    engine = FaceEngine("deepface", weights_dir=home, python=python)
    scores = read_faces_of(EvaluationRequest("faces", "csv", tmp_path, faces=engine), FAKE, tmp_path / "out")
    assert (scores["with_face"], scores["whole_picture_answers"], scores["errors"]) == (1, 2, 0)
    assert scores["gender"]["faces, everybody"]["mA"] == 0.5
    ages = scores["ages"]["Age31-45"]
    assert (ages["everybody"]["precision"], ages["everybody"]["recall"]) == (1.0, 1.0)
    assert scores["about"]["face_engine"] == "deepface 0.0.103, detector opencv, on onnx"
    assert "with answers from the whole picture" in (tmp_path / "out" / "report.html").read_text()
