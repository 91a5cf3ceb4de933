"""The other side of the engine ``deepface``: runs in the Python that has the package, without PAR.

    PYTHON -I deepface_worker.py DETECTOR

Frames go over standard input and output: four bytes (the length of a JSON object, big-endian), the object,
and after ``{"height": h, "width": w}`` h * w * 3 bytes of BGR pixels. The first frame out says what answers;
each picture gets one frame, ``{"faces": [...]}`` or ``{"error": "..."}``.
"""

import hashlib
import json
import os
import struct
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

ACTIONS = ("gender", "age")


def main(detector: str) -> None:
    """Load the models, then answer until the input ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between the frames
    try:
        from deepface import DeepFace

        if detector != "skip":
            DeepFace.build_model(task="face_detector", model_name=detector)
        for model in ("Gender", "Age"):
            DeepFace.build_model(task="facial_attribute", model_name=model)
        import numpy
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the user in one line
        send(out, {"error": f"{type(error).__name__}: {error}"})
        return
    home = Path(os.environ["DEEPFACE_HOME"]) / ".deepface" / "weights"
    weights = {path.name: digest(path) for path in sorted(home.iterdir()) if path.is_file()}
    engine = os.environ.get("DEEPFACE_BACKEND_ENGINE", "")
    send(out, {"version": version("deepface"), "engine": engine, "detector": detector, "weights": weights})
    while (header := receive(sys.stdin.buffer)) is not None:
        size = header["height"] * header["width"] * 3
        pixels = numpy.frombuffer(sys.stdin.buffer.read(size), numpy.uint8)
        picture = pixels.reshape(header["height"], header["width"], 3)
        try:
            found = DeepFace.analyze(
                picture,
                actions=ACTIONS,
                detector_backend=detector,
                enforce_detection=False,
                silent=True,
            )
            send(out, {"faces": [as_json(face) for face in found]})
        except Exception as error:  # noqa: BLE001 - becomes the row of this picture
            send(out, {"error": f"{type(error).__name__}: {error}"})


def as_json(face: dict[str, Any]) -> dict[str, Any]:
    """Return what PAR takes of an answer, as JSON types."""
    region = face["region"]
    return {
        "box": [int(region[key]) for key in ("x", "y", "w", "h")],
        "confidence": float(face["face_confidence"]),
        "woman_percent": float(face["gender"]["Woman"]),
        "age": float(face["age"]),
    }


def receive(stream: BinaryIO) -> dict[str, Any] | None:
    """Return the next object, or None where the input ends."""
    length = stream.read(4)
    if len(length) < 4:
        return None
    return json.loads(stream.read(struct.unpack(">I", length)[0]))


def send(stream: BinaryIO, content: dict[str, Any]) -> None:
    """Write an object."""
    text = json.dumps(content).encode()
    stream.write(struct.pack(">I", len(text)) + text)
    stream.flush()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main(sys.argv[1])
