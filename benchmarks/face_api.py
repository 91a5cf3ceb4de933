"""What the JavaScript of ``@vladmandic/face-api`` answers on pictures of scikit-image, and how far PAR's
answers lie from it.

    npm pack @vladmandic/face-api@1.7.15 @mediapipe/face_detection@0.4.1657300184
    PYTHONPATH=. .venv/bin/python benchmarks/face_api.py --packages . > benchmarks/results/face_api.json

needs node 20 or later. The JavaScript runs on its processor backend, without a browser and further packages.
"""

import argparse
import json
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from machine import provenance
from skimage import data

from par_core.faces.base import Face
from par_core.faces.face_api import DETECTORS, FaceApiReader, load_face_api
from par_core.faces.npm_packages import FACE_API, fetch_face_api
from par_core.types import ImageU8

#: The face of the astronaut, without resizing; a tall, a wide and a small picture of her, with resizing.
PICTURES: dict[str, Callable[[ImageU8], ImageU8]] = {
    "whole": lambda picture: picture,
    "tall": lambda picture: picture[:400, 100:300],
    "wide": lambda picture: picture[40:240, :],
    "small": lambda picture: picture[:300:2, 120:330:2],
}
FACES: dict[str, Callable[[ImageU8], ImageU8]] = {
    "face of 112 x 112": lambda picture: picture[70:182, 168:280],
    "face of 90 x 61": lambda picture: picture[80:170, 190:251],
}


def picture(cut: Callable[[ImageU8], ImageU8]) -> ImageU8:
    """Return a part of the astronaut of scikit-image, which NASA placed in the public domain."""
    return np.ascontiguousarray(cut(data.astronaut()))


def javascript(package: Path, folder: Path) -> dict[str, Any]:
    """Let the package's own JavaScript answer."""
    listed = []
    for number, (name, cut) in enumerate({**PICTURES, **FACES}.items()):
        pixels, file = picture(cut), folder / f"{number}.rgb"
        file.write_bytes(pixels.tobytes())
        height, width = pixels.shape[:2]
        row = {"name": name, "height": height, "width": width, "file": str(file), "whole": name in FACES}
        listed.append(row)
    (folder / "pictures.json").write_text(json.dumps(listed))
    script = Path(__file__).with_name("face_api_oracle.mjs")
    node = ["node", str(script), str(package), str(folder / "pictures.json")]
    return json.loads(subprocess.run(node, check=True, capture_output=True, text=True).stdout)


def ours(reader: FaceApiReader) -> dict[str, list[dict[str, Any]]]:
    """Let PAR answer."""
    answers = {
        name: [as_row(face) for face in reader.read([picture(cut)])[0]] for name, cut in PICTURES.items()
    }
    for name, cut in FACES.items():
        women, ages = reader.network.answer([picture(cut)])
        answers[name] = [{"age": float(ages[0]), "woman": float(women[0])}]
    return answers


def as_row(face: Face) -> dict[str, Any]:
    """Return a face as JSON types."""
    return {"box": list(face.box), "score": face.score, "age": face.age, "woman": face.woman}


def farthest(theirs: list[dict[str, Any]], mine: list[dict[str, Any]]) -> dict[str, float]:
    """Return the largest differences: boxes in pixels, age in years, score and probability as they are."""
    assert len(theirs) == len(mine), (theirs, mine)
    return {
        key: float(np.abs(np.array([row[key] for row in theirs]) - [row[key] for row in mine]).max())
        for key in theirs[0]
    }


def seconds(reader: FaceApiReader) -> float:
    """Return the median of the processor's time for one person, on one thread."""
    person, times = picture(PICTURES["tall"]), []
    for _ in range(21):
        started = time.process_time()
        reader.read([person])
        times.append(time.process_time() - started)
    return median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, required=True, help="folder with the packages of npm pack")
    packages = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with tarfile.open(packages / FACE_API[0].packed) as archive:
            archive.extractall(folder, filter="data")
        fetch_face_api(folder, given=packages)
        answers = javascript(folder / "package", folder)
        mine = ours(load_face_api(folder, "ssd"))
        costs = {detector: seconds(load_face_api(folder, detector)) for detector in DETECTORS}
    differences = {name: farthest(answers["answers"][name], mine[name]) for name in mine}
    largest = {
        key: max(row.get(key, 0.0) for row in differences.values())
        for key in ("box", "score", "age", "woman")
    }
    figures = {
        "javascript": answers,
        "differences": differences,
        "largest_difference": largest,
        "processor_s": costs,
    }
    print(json.dumps({"part": "face-api", **figures, **provenance(0)}, indent=1))


if __name__ == "__main__":
    main()
