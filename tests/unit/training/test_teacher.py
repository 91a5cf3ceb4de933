"""The step that writes the labels of a teacher: it looks at the person alone, and notes who has no face."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from par_core.datasets.merged_labels import NAMES, LabelledPerson
from par_core.faces.base import Face
from par_core.training.teacher import teach
from par_core.training.teacher_labels import TeacherAnswer, read_teacher
from par_core.types import ImageU8
from tests.pictures import save


class RedIsAFace:
    """Takes the red of a picture for a face, and its width for how much of a woman the person is."""

    fingerprint, summary = "red", "red is a face"

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def read(self, cutouts: Sequence[ImageU8]) -> list[list[Face]]:
        self.sizes += [cutout.shape[:2] for cutout in cutouts]
        return [self._faces(cutout) for cutout in cutouts]

    def _faces(self, cutout: ImageU8) -> list[Face]:
        rows, columns = np.nonzero((cutout[..., 0] > 150) & (cutout[..., 1] < 100))
        if not len(rows):
            return []
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return [Face((float(box[0]), float(box[1]), float(box[2]), float(box[3])), 0.9, 0.97, 30.0)]


def test_the_teacher_sees_the_person_and_writes_one_line_a_picture(tmp_path: Path) -> None:
    picture, outline = np.full((300, 200, 3), 60, np.uint8), np.zeros((300, 200), np.uint8)
    picture[40:70, 90:115], outline[30:290, 60:150] = (220, 30, 30), 255
    labels, weights = (float("nan"),) * len(NAMES), (1.0,) * len(NAMES)
    shown = LabelledPerson(
        "ccp-tags",
        save(tmp_path / "0001.png", picture),
        None,
        labels,
        weights,
        (),
        save(tmp_path / "outline.png", np.repeat(outline[..., None], 3, axis=2)),
    )
    grey = save(tmp_path / "0002.png", np.full((90, 40, 3), 60, np.uint8))
    faceless = replace(shown, image=grey, drawn_outline=None)
    reader = RedIsAFace()
    assert teach([shown, faceless], reader, tmp_path / "run" / "teacher.csv") == 1
    assert reader.sizes == [(260, 90), (90, 40)], "the box of the outline, else the whole picture"
    assert (tmp_path / "run" / "teacher.csv").read_text() == (
        "image,face,female\n0001.png,25.0,0.9700\n0002.png,,\n"
    )
    assert read_teacher(tmp_path / "run" / "teacher.csv") == {"0001.png": TeacherAnswer(25.0, 0.97)}
