"""DeepFace's process, played by a script that dies, hangs and prints; test_deepface_package.py runs the real
one.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from par_core.errors import BadConfigError, WeightsError, WorkerLostError
from par_core.faces.base import FaceReader, FaceReadingError
from par_core.faces.deepface_reader import DeepFaceReader, require_deepface_weights

DIES, HANGS, PRINTS, GARBLES, DIES_ONCE, FAILS = 1, 2, 3, 4, 5, 6
Start = Callable[..., DeepFaceReader]


def picture(red: int, green: int = 0, blue: int = 0, size: tuple[int, int] = (9, 7)) -> np.ndarray:
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[:, :] = red, green, blue
    return pixels


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    folder = tmp_path / ".deepface" / "weights"
    folder.mkdir(parents=True)
    for name in ("gender", "age"):
        (folder / f"{name}_model_weights.onnx").write_bytes(b"")
    readers = []

    def started(detector: str = "fake", *, start_s: float = 20.0, frame_s: float = 20.0) -> DeepFaceReader:
        worker = Path(__file__).with_name("fake_worker.py")
        python = Path(sys.executable)
        reader = DeepFaceReader(python, tmp_path, detector, worker=worker, start_s=start_s, frame_s=frame_s)
        readers.append(reader)
        return reader

    yield started
    for reader in readers:
        reader.close()


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text())


def test_pictures_go_in_as_bgr_and_faces_come_back(start: Start) -> None:
    reader = start()
    assert isinstance(reader, FaceReader)
    assert reader.summary == "deepface 9.9, detector fake, on none"
    ((face, whole),) = reader.read([picture(200, green=3, blue=44)])
    assert face.box == (3.0, 2.0, 7.0, 6.0), "cut at the picture's edge"
    assert (face.score, face.woman, face.age) == (0.9, 0.75, 31.0)
    assert (whole.score, whole.woman, whole.age) == (0.0, 0.2, 44.0)
    assert reader.fingerprint != start("other").fingerprint


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (DIES, "the worker died: Segmentation fault"),
        (PRINTS, "something that is no frame"),
        (GARBLES, "something that is no JSON"),
    ],
)
def test_a_picture_that_kills_the_worker_twice_fails_alone(
    start: Start, tmp_path: Path, what: int, message: str
) -> None:
    reader = start()
    with pytest.raises(FaceReadingError, match=message):
        reader.read([picture(what)])
    assert starts(tmp_path) == 2, "once more for the same picture"
    assert len(reader.read([picture(200)])[0]) == 2
    assert starts(tmp_path) == 3


def test_a_picture_that_its_second_worker_reads_is_read(start: Start, tmp_path: Path) -> None:
    assert len(start().read([picture(DIES_ONCE)])[0]) == 2
    assert starts(tmp_path) == 2


@pytest.mark.parametrize("size", [(9, 7), (1200, 600)])
def test_a_worker_that_hangs_is_stopped(start: Start, size: tuple[int, int]) -> None:
    """Also where the next picture does not fit into the pipe."""
    reader = start(frame_s=0.4)
    began = time.monotonic()
    with pytest.raises(FaceReadingError, match="in time"):
        reader.read([picture(HANGS, size=size)])
    assert time.monotonic() - began < 15


def test_a_worker_that_reads_nothing_is_stopped(tmp_path: Path) -> None:
    from par_core.faces.worker_process import WorkerProcess

    script = "import struct, time, sys; sys.stdout.buffer.write(struct.pack('>I', 2) + b'{}')"
    command = [sys.executable, "-c", f"{script}; sys.stdout.flush(); time.sleep(60)"]
    worker = WorkerProcess(command, {}, 20.0)
    with pytest.raises(WorkerLostError, match="did not read its picture in time"):
        worker.ask(picture(0, size=(1200, 600)), 0.4)


def test_an_error_of_the_package_is_the_pictures(start: Start, tmp_path: Path) -> None:
    reader = start()
    for _ in range(4):
        with pytest.raises(FaceReadingError, match="not enough values to unpack"):
            reader.read([picture(FAILS)])
    assert starts(tmp_path) == 1, "the worker lives"


def test_three_deaths_in_a_row_end_the_run_and_a_success_between_does_not(start: Start) -> None:
    reader = start()
    for _ in range(2):
        with pytest.raises(FaceReadingError):
            reader.read([picture(DIES)])
    reader.read([picture(200)])
    for _ in range(2):
        with pytest.raises(FaceReadingError):
            reader.read([picture(DIES)])
    with pytest.raises(WorkerLostError, match="3 pictures in a row: the worker died: Segmentation fault"):
        reader.read([picture(DIES)])


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        ("no-deepface", "No module named 'deepface'"),
        ("silent", "did not answer in time"),
        ("dies", "died: cannot allocate memory"),
    ],
)
def test_a_package_that_cannot_be_loaded_says_how_to_install_it(
    start: Start, detector: str, message: str
) -> None:
    with pytest.raises(
        BadConfigError, match=rf"{message}; its environment: pip install deepface=="
    ) as caught:
        start(detector, start_s=1.0 if detector == "silent" else 20.0)
    assert "\n" not in str(caught.value)


def test_a_python_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="no/python cannot be started: No such file"):
        DeepFaceReader(Path("no/python"), tmp_path, allow_downloads=True)


def test_missing_weights_are_named_with_addresses_and_sizes(tmp_path: Path) -> None:
    folder = tmp_path / ".deepface" / "weights"
    folder.mkdir(parents=True)
    (folder / "age_model_weights.onnx").write_bytes(b"")
    with pytest.raises(WeightsError) as caught:
        require_deepface_weights(tmp_path)
    message = str(caught.value)
    assert "gender_model_weights.onnx (537 MB) from https://github.com/serengil" in message
    assert "huggingface.co/serengil/deepface/resolve/main/gender_model_weights.onnx" in message
    assert "age_model" not in message
    assert "\n" not in message


def test_without_leave_nothing_reaches_the_network(tmp_path: Path, start: Start) -> None:
    """The stand-in says which proxy it was given, as the digest of a file."""
    worker = Path(__file__).with_name("fake_worker.py")
    with DeepFaceReader(Path(sys.executable), tmp_path, "fake", worker=worker) as offline:
        assert offline._worker is not None
        assert offline._worker.hello["weights"] == {"a": "http://127.0.0.1:9"}
