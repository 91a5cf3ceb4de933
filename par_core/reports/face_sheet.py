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
from par_core.types import ImageU8

__all__ = ["face_sheets"]

_EACH: Final = 12
_HEIGHT_PX: Final = 300
_INSET: Final = 0.3  # of the height: the side of the face, shown larger
_AROUND: Final = 0.25  # of the face on each side
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
    said, right = readings.error[i], None
    if readings.answered[i]:
        said = f"woman {readings.woman[i]:.2f}, {readings.age[i]:.0f} years"
        if judged.woman is not None and not np.isnan(judged.woman[i]):
            right = bool((readings.woman[i] > 0.5) == (judged.woman[i] == 1))
    par = f"PAR {judged.par[i]:.2f}" if judged.par is not None else ""
    caption = "; ".join(part for part in (said, par) if part)
    return Picture(_drawn(run, i, config), caption, name_of(image), right)


def _drawn(run: FaceRun, i: int, config: ArchiveConfig) -> bytes:
    """A person as JPEG; of somebody with a face it is framed, and shown larger at the feet."""
    person, corner = person_picture(run.people[i].image, run.boxes[i], config)
    scale = _HEIGHT_PX / person.shape[0]
    shown = _of_size(person, max(1, round(person.shape[1] * scale)), _HEIGHT_PX)
    if run.readings.answered[i]:
        edges = (getattr(run.readings, name)[i] for name in ("left", "top", "right", "bottom"))
        box = np.array([float(edge) for edge in edges]) - np.tile(corner, 2)
        height, width = person.shape[:2]
        around = box + _AROUND * (box[3] - box[1]) * np.array([-1, -1, 1, 1])
        x1, y1, x2, y2 = np.clip(np.rint(around), 0, [width, height] * 2).astype(int)
        inset = min(shown.shape[1], round(_INSET * _HEIGHT_PX))
        shown[-inset:, :inset] = _of_size(person[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)], inset, inset)
        left, top, right, bottom = np.rint(box * scale).astype(int).tolist()
        cv2.rectangle(shown, (left, top), (right, bottom), _FRAME, 2)
    return jpeg_of_height(shown, _HEIGHT_PX, 75)


def _of_size(picture: ImageU8, width: int, height: int) -> ImageU8:
    smaller = picture.shape[0] > height
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(picture, (width, height), interpolation=way), np.uint8)
