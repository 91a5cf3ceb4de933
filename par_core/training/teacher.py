"""Write the labels of gender that a teacher gives to the sharp photographs that are trained on.

    python -m par_core.training.teacher --data ../shared/data --run build/training/embedder

The teacher is the engine ``face-api`` (``par models fetch face-api``): a detector of faces on the head of
each person of Clothing Co-Parsing, and a network of age and gender on the face. ``teacher_labels`` says which
of its answers become labels. People are outlined as in training; the outlines stay in the folder of the run.
"""

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from par_core.atomic import write_atomic
from par_core.config import RunConfig
from par_core.datasets.merged_labels import LabelledPerson, read_label_map
from par_core.faces.base import Face, FaceReader, choose_face
from par_core.faces.face_api import load_face_api
from par_core.models.profiles import load_segmenter
from par_core.training.attribute_data import read_people
from par_core.training.outlining import outline_people
from par_core.training.teacher_labels import COLUMNS

__all__ = ["TEACHER", "teach"]

#: Name of the file in the folder of the run.
TEACHER = "teacher.csv"


def teach(people: Sequence[LabelledPerson], reader: FaceReader, file: Path) -> int:
    """Write the teacher's answers, one line a picture; a picture without a face has a line without numbers.

    Args:
        people: People with outlines.
        reader: The teacher.
        file: Is written aside and renamed.

    Returns:
        How many pictures have a face.
    """
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow(COLUMNS)
    faces = 0
    for person in track(people, "faces"):
        face = _face(person, reader)
        faces += face is not None
        table.writerow([person.image.name, *(_numbers(face) if face else ("", ""))])
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, lines.getvalue().encode())
    return faces


def _face(person: LabelledPerson, reader: FaceReader) -> Face | None:
    picture = cv2.cvtColor(cv2.imread(str(person.image)), cv2.COLOR_BGR2RGB)
    outline = person.drawn_outline or person.label_map
    x, y, width, height = (
        (0, 0, picture.shape[1], picture.shape[0])
        if outline is None
        else cv2.boundingRect((read_label_map(outline) > 0).astype(np.uint8))
    )
    (faces,) = reader.read([np.ascontiguousarray(picture[y : y + height, x : x + width])])
    return choose_face(faces, height)


def _numbers(face: Face) -> tuple[str, str]:
    return f"{min(face.height, face.area / face.height):.1f}", f"{face.woman:.4f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, outline people and write their labels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--weights-dir", type=Path, help="folder of weights, with a folder face-api")
    options = parser.parse_args(arguments)
    reader = load_face_api(options.weights_dir)
    people = [person for person in read_people(options.data).train if person.source != "mit"]
    outlined = outline_people(
        people,
        load_segmenter(RunConfig()),
        options.run / "outlines",
        lambda listed, what: track(listed, what),
    )
    faces = teach(outlined, reader, options.run / TEACHER)
    print(f"{reader.summary}: {faces} of {len(people)} people have a face: {options.run / TEACHER}")


if __name__ == "__main__":
    main()
