"""A teacher's labels count where the teacher is certain, the face is large, and the data set says nothing."""

from pathlib import Path

import numpy as np
import pytest

from par_core.datasets.merged_labels import NAMES, LabelledPerson
from par_core.errors import BadConfigError
from par_core.training.teacher_labels import TeacherAnswer, read_teacher, with_teacher

FEMALE = NAMES.index("female")
NAN = float("nan")


def person(source: str, female: float, weight: float = 1.0) -> LabelledPerson:
    labels, weights = [NAN] * len(NAMES), [1.0] * len(NAMES)
    labels[FEMALE], weights[FEMALE] = female, weight
    return LabelledPerson(source, Path("photos/0001.jpg"), None, tuple(labels), tuple(weights), ())


def taught(who: LabelledPerson, answer: TeacherAnswer) -> tuple[float, float]:
    (labelled,) = with_teacher([who], {"0001.jpg": answer}, 0.4)
    return labelled.labels[FEMALE], labelled.weights[FEMALE]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        (TeacherAnswer(24.0, 0.95), 1.0),
        (TeacherAnswer(24.0, 0.05), 0.0),
        (TeacherAnswer(23.9, 0.05), None),
        (TeacherAnswer(60.0, 0.9), None),
        (TeacherAnswer(60.0, 0.1), None),
    ],
)
def test_only_certain_answers_of_large_faces_are_labels(answer: TeacherAnswer, label: float | None) -> None:
    assert answer.label() == label


def test_the_teacher_labels_whom_the_data_set_does_not() -> None:
    man, woman = TeacherAnswer(40.0, 0.02), TeacherAnswer(40.0, 0.98)
    assert taught(person("ccp-tags", NAN), man) == (0.0, 0.8)
    assert taught(person("ccp-tags", NAN), woman) == (1.0, 0.4)
    assert taught(person("ccp-pixels", 1.0, 0.3), woman) == (1.0, 0.4)
    assert np.isnan(taught(person("ccp-pixels", 1.0, 0.3), man)[0]), "a certain man in a dress: unknown"
    assert taught(person("mit", 1.0), man) == (1.0, 1.0), "a data set's own label stays"
    assert with_teacher([person("ccp-tags", NAN)], {}, 0.4)[0].weights[FEMALE] == 1.0


def test_the_file_of_the_teacher_is_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "teacher.csv"
    file.write_text("image,face,female\n0001.jpg,41.5,0.99\n0002.jpg,,\n")
    assert read_teacher(file) == {"0001.jpg": TeacherAnswer(41.5, 0.99)}
    for wrong, message in (
        ("image,female\n", "expected image, face, female"),
        ("image,face,female\n0001.jpg,big,0.9\n", "line 2: face and female must be numbers"),
        ("image,face,female\n0001.jpg,30,1.5\n", "line 2: .*probability"),
    ):
        file.write_text(wrong)
        with pytest.raises(BadConfigError, match=message):
            read_teacher(file)
    with pytest.raises(BadConfigError, match="cannot read the teacher's labels"):
        read_teacher(tmp_path / "none.csv")
