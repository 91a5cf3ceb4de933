"""Gender labels from a teacher: an age and gender network on the faces of people whom no data set labels.

Clothing Co-Parsing does not label gender, and the MIT pedestrians show it at 128 pixels only. A network that
reads faces is no better than chance on small ones, and does not know it, so only faces of at least 24 pixels
count, and only answers of which it is certain. No data set's own label is replaced.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from par_core.datasets.merged_labels import NAMES, LabelledPerson
from par_core.errors import BadConfigError

__all__ = ["COLUMNS", "TeacherAnswer", "read_teacher", "with_teacher"]

COLUMNS: Final = ("image", "face", "female")

_FEMALE: Final = NAMES.index("female")
_LEAST_FACE: Final = 24.0  # pixels
_CERTAIN: Final = 0.9
_MEN: Final = 2.0  # men are rare in the set and are to count as much as women


@dataclass(frozen=True, slots=True)
class TeacherAnswer:
    """What the teacher says of one picture.

    Attributes:
        face: Shorter side of the face, in pixels.
        female: Probability of a woman, in [0, 1].
    """

    face: float
    female: float

    def label(self) -> float | None:
        """Return 1 for a woman, 0 for a man, None where the teacher is not certain or the face too small."""
        if self.face < _LEAST_FACE or 1 - _CERTAIN <= self.female <= _CERTAIN:
            return None
        return float(self.female > 0.5)


def read_teacher(file: Path) -> dict[str, TeacherAnswer]:
    """Read the teacher's answers by name of picture; pictures without a face are not in it.

    Raises:
        BadConfigError: The file is missing or not as the teacher writes it; names the line.
    """
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise BadConfigError(
                    f"{file}: the columns are {rows.fieldnames}, expected {', '.join(COLUMNS)}"
                )
            return {
                row["image"]: _answer(row, file, rows.line_num)
                for row in rows
                if row["face"] or row["female"]
            }
    except OSError as error:
        raise BadConfigError(f"cannot read the teacher's labels: {error}") from error


def _answer(row: dict[str, str], file: Path, line: int) -> TeacherAnswer:
    try:
        answer = TeacherAnswer(float(row["face"]), float(row["female"]))
    except (TypeError, ValueError) as error:
        raise BadConfigError(f"{file}, line {line}: face and female must be numbers, got {row}") from error
    if not (answer.face > 0 and 0 <= answer.female <= 1):
        raise BadConfigError(f"{file}, line {line}: no side of a face and probability: {row}")
    return answer


def with_teacher(
    people: Sequence[LabelledPerson], answers: dict[str, TeacherAnswer], weight: float
) -> list[LabelledPerson]:
    """Return the people with the teacher's labels of gender, where the data set gives none.

    Garments that only women wear count as weak evidence in training. Where the teacher is certain of a man,
    one of the two is wrong, and the label is unknown.

    Args:
        people: People to learn from.
        answers: The teacher's answers by name of picture.
        weight: How much the label of a woman counts, beside 1 for a data set's own label; of a man twice.
    """
    return [_labelled(person, answers.get(person.image.name), weight) for person in people]


def _labelled(person: LabelledPerson, answer: TeacherAnswer | None, weight: float) -> LabelledPerson:
    label = None if answer is None or person.source == "mit" else answer.label()
    if label is None:
        return person
    labels, weights = list(person.labels), list(person.weights)
    contradicted = labels[_FEMALE] == 1 and label == 0
    labels[_FEMALE] = float("nan") if contradicted else label
    weights[_FEMALE] = weight if label else _MEN * weight
    return replace(person, labels=tuple(labels), weights=tuple(weights))
