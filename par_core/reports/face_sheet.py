"""The contact sheet of people and their faces."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from par_core.config import ArchiveConfig
from par_core.datasets.folders import name_of
from par_core.evaluate.faces.readings import person_picture
from par_core.evaluate.faces.run import FaceRun
from par_core.reports.document import Picture, Sheet
from par_core.reports.thumbnails import jpeg_of_height

__all__ = ["face_sheets"]

_EACH: Final = 12
_HEIGHT_PX: Final = 220
_FRAME: Final = (255, 120, 0)


def face_sheets(run: FaceRun, config: ArchiveConfig) -> tuple[Sheet, ...]:
    """Return the people that the faces were surest about, wrongly and rightly, people about whom faces and
    PAR differ, people without a face, and pictures on which the engine failed.
    """
    readings, judged = run.readings, run.judged
    answered, says = readings.answered, readings.woman > 0.5
    sure = np.where(answered, np.abs(readings.woman - 0.5), -1.0)
    groups: list[tuple[str, str, np.ndarray, np.ndarray]] = []
    if judged.woman is not None:
        known = answered & ~np.isnan(judged.woman)
        wrong = known & (says != (judged.woman == 1))
        groups += [
            ("Wrong", "The surest first.", wrong, -sure),
            ("Women, rightly", "The surest first.", known & ~wrong & says, -sure),
            ("Men, rightly", "The surest first.", known & ~wrong & ~says, -sure),
        ]
    else:
        groups += [
            ("Women, by the face", "The surest first.", answered & says, -sure),
            ("Men, by the face", "The surest first.", answered & ~says, -sure),
        ]
    if judged.par is not None:
        differ = answered & (says != (judged.par >= judged.threshold))
        groups.append(("Faces and PAR differ", "Where the face is surest.", differ, -sure))
    missed = ~answered & np.array([error == "" for error in readings.error])
    failed = np.array([error != "" for error in readings.error])
    groups += [
        ("No face", "The highest people first.", missed, -readings.height),
        ("Failed", "The engine failed on these pictures.", failed, -readings.height),
    ]
    return tuple(
        _sheet(run, title, note, rows[np.argsort(order[rows], kind="stable")], config)
        for title, note, which, order in groups
        if len(rows := np.flatnonzero(which))
    )


def _sheet(
    run: FaceRun, title: str, note: str, rows: Sequence[int] | np.ndarray, config: ArchiveConfig
) -> Sheet:
    pictures = [_picture(run, int(i), config) for i in rows[:_EACH] if run.people[int(i)].image.is_file()]
    return Sheet(title, f"{len(rows):,} people. {note}", tuple(pictures))


def _picture(run: FaceRun, i: int, config: ArchiveConfig) -> Picture:
    readings, judged = run.readings, run.judged
    image = run.people[i].image
    picture, (left, top) = person_picture(image, run.boxes[i], config)
    scale = _HEIGHT_PX / picture.shape[0]
    shown = cv2.resize(
        picture, (max(1, round(picture.shape[1] * scale)), _HEIGHT_PX), interpolation=cv2.INTER_AREA
    )
    said, right = readings.error[i], None
    if readings.answered[i]:
        corners = [
            round(float((edge[i] - start) * scale))
            for edge, start in (
                (readings.left, left),
                (readings.top, top),
                (readings.right, left),
                (readings.bottom, top),
            )
        ]
        cv2.rectangle(shown, (corners[0], corners[1]), (corners[2], corners[3]), _FRAME, 1)
        said = f"woman {readings.woman[i]:.2f}, {readings.age[i]:.0f} years"
        if judged.woman is not None and not np.isnan(judged.woman[i]):
            right = bool((readings.woman[i] > 0.5) == (judged.woman[i] == 1))
    par = f"; PAR {judged.par[i]:.2f}" if judged.par is not None else ""
    return Picture(
        jpeg_of_height(np.asarray(shown, np.uint8), _HEIGHT_PX, 75),
        f"{said}{par}".strip("; "),
        name_of(image),
        right,
    )
