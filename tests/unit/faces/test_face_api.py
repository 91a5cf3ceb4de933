"""The engine with the published weights, against what the package's own JavaScript answered; the weights are
not part of the repository, so these tests skip without them.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from par_core.errors import BadConfigError
from par_core.faces.base import FaceReader
from par_core.faces.face_api import FaceApiReader, load_face_api

STORED = Path(__file__).parents[3] / "benchmarks" / "results" / "face_api.json"
#: Cuts of the astronaut, as in benchmarks/face_api.py.
CUTS: dict[str, tuple[slice, slice]] = {
    "whole": (slice(None), slice(None)),
    "tall": (slice(400), slice(100, 300)),
    "wide": (slice(40, 240), slice(None)),
    "small": (slice(0, 300, 2), slice(120, 330, 2)),
    "face of 112 x 112": (slice(70, 182), slice(168, 280)),
    "face of 90 x 61": (slice(80, 170), slice(190, 251)),
}
TOLERANCE = {"box": 1e-3, "score": 1e-5, "age": 1e-3, "woman": 1e-5}


@pytest.fixture(scope="module")
def weights() -> Path:
    folder = os.environ.get("PAR_FACE_WEIGHTS")
    if not folder:
        pytest.skip("needs the weights of face-api: par models fetch face-api --to DIR, PAR_FACE_WEIGHTS=DIR")
    return Path(folder)


@pytest.fixture(scope="module")
def ssd(weights: Path) -> FaceApiReader:
    return load_face_api(weights, "ssd")


def picture(name: str) -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[CUTS[name]])


def theirs(name: str) -> list[dict[str, Any]]:
    return json.loads(STORED.read_text())["javascript"]["answers"][name]


@pytest.mark.parametrize("name", ["whole", "tall", "wide", "small"])
def test_faces_are_those_of_the_javascript(ssd: FaceApiReader, name: str) -> None:
    (faces,) = ssd.read([picture(name)])
    expected = theirs(name)
    assert len(faces) == len(expected) == 1
    for key, tolerance in TOLERANCE.items():
        assert getattr(faces[0], key) == pytest.approx(expected[0][key], abs=tolerance), key


@pytest.mark.parametrize("name", ["face of 112 x 112", "face of 90 x 61"])
def test_age_and_gender_are_those_of_the_javascript(ssd: FaceApiReader, name: str) -> None:
    women, ages = ssd.network.answer([picture(name)])
    assert women[0] == pytest.approx(theirs(name)[0]["woman"], abs=TOLERANCE["woman"])
    assert ages[0] == pytest.approx(theirs(name)[0]["age"], abs=TOLERANCE["age"])


def test_the_short_range_detector_finds_the_same_face_in_the_head_zone(weights: Path) -> None:
    reader = load_face_api(weights, "short-range")
    assert isinstance(reader, FaceReader)
    tall, nobody, empty = reader.read([picture("tall"), data.coffee(), np.zeros((1, 1, 3), np.uint8)])
    assert (nobody, empty) == ([], [])
    box = np.array(theirs("tall")[0]["box"])
    assert np.abs(np.array(tall[0].box) - box).max() < 0.12 * (box[3] - box[1])
    assert tall[0].woman > 0.8
    assert 25 < tall[0].age < 36


def test_no_other_detector(weights: Path) -> None:
    with pytest.raises(BadConfigError, match="there are: short-range, ssd"):
        load_face_api(weights, "tiny")
