"""Faces of the people of a data set: read shard by shard, kept, and read back for scoring.

    DIR/faces/KEY/00000.parquet    the first 64 people, and so on: complete or not there

KEY is a digest of pictures, boxes, height and reader, so that a run that was stopped finds its own work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Float32

from par_core.archive import decode
from par_core.atomic import write_atomic
from par_core.config import ArchiveConfig
from par_core.datasets.folders import name_of
from par_core.errors import BadInputError, StoreError, UnreadableImageError
from par_core.faces.base import FaceReader, FaceReadingError, choose_face, whole_picture_answer
from par_core.ids import digest_of
from par_core.people.cutout import crop_box
from par_core.types import BoxesXYXY, ImageU8

__all__ = ["Readings", "person_picture", "read_faces"]

_SHARD: Final = 64  # people
_MARGIN: Final = 0.05  # around the person, as a share of the box, as in cut-outs of indexing
_ASPECT: Final = 2.0
_CODE: Final = "faces/1"


@dataclass(frozen=True, slots=True)
class Readings:
    """The face of each of n people; NaN where there is none.

    Attributes:
        left: Left edge of the face, in pixels of the picture.
        top: Upper edge.
        right: Right edge.
        bottom: Lower edge.
        score: Confidence of the detector, in (0, 1].
        woman: Probability that the person is a woman, in [0, 1].
        age: Age in years.
        whole_woman: The same where an engine found no face and answered from the whole picture.
        whole_age: Age in years by that answer.
        face_height: Height of the face in pixels of what was read, so in those of a shrunk person.
        height: Height of the person's box in pixels, likewise.
        error: Why a picture has no answer; "" where the engine did not fail.
    """

    left: Float32[np.ndarray, " n"]
    top: Float32[np.ndarray, " n"]
    right: Float32[np.ndarray, " n"]
    bottom: Float32[np.ndarray, " n"]
    score: Float32[np.ndarray, " n"]
    woman: Float32[np.ndarray, " n"]
    age: Float32[np.ndarray, " n"]
    whole_woman: Float32[np.ndarray, " n"]
    whole_age: Float32[np.ndarray, " n"]
    face_height: Float32[np.ndarray, " n"]
    height: Float32[np.ndarray, " n"]
    error: tuple[str, ...]

    @property
    def answered(self) -> Bool[np.ndarray, " n"]:
        """Whether a person has a face."""
        return ~np.isnan(self.woman)

    def table(self) -> pa.Table:
        """One row a person, null where unknown."""
        return pa.table(
            {
                each.name: pa.array(getattr(self, each.name), pa.string())
                if each.name == "error"
                else pa.array(getattr(self, each.name), pa.float32(), from_pandas=True)
                for each in fields(self)
            }
        )


def read_faces(
    pictures: Sequence[Path],
    boxes: BoxesXYXY,
    reader: FaceReader,
    folder: Path,
    config: ArchiveConfig,
    *,
    height: int | None = None,
) -> Readings:
    """Read the face of each person.

    Args:
        pictures: One picture a person.
        boxes: Where the person is; NaN for the whole picture.
        reader: Engine.
        folder: Folder that keeps the answers.
        config: Limits on what is read.
        height: Shrink people who are higher to this number of pixels first; None reads them as they are.

    Raises:
        BadInputError: A picture cannot be read.
        StoreError: A kept file is damaged; names it.
    """
    kept = folder / "faces" / _key(pictures, boxes, reader, height)
    tables = []
    for start in range(0, len(pictures), _SHARD):
        file = kept / f"{start // _SHARD:05d}.parquet"
        if not file.exists():
            rows = [
                _row(picture, box, reader, config, height)
                for picture, box in zip(
                    pictures[start : start + _SHARD], boxes[start : start + _SHARD], strict=True
                )
            ]
            sink = pa.BufferOutputStream()
            pq.write_table(_of_rows(rows).table(), sink, compression="zstd")
            write_atomic(file, sink.getvalue().to_pybytes())
        try:
            tables.append(pq.read_table(file, memory_map=False, partitioning=None))
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"{file} cannot be read ({error}); delete it and run the same command again"
            ) from error
    return _of_rows(pa.concat_tables(tables).to_pylist() if tables else [])


def person_picture(
    picture: Path, box: Float32[np.ndarray, "4"], config: ArchiveConfig
) -> tuple[ImageU8, tuple[int, int]]:
    """Return a person with a margin and the background kept, and its left upper corner in the picture.

    Raises:
        BadInputError: The picture cannot be read.
    """
    try:
        pixels = decode(picture.read_bytes(), config).pixels
    except (OSError, UnreadableImageError) as error:
        raise BadInputError(f"{picture}: {error}") from error
    if np.isnan(box).any():
        return pixels, (0, 0)
    left, top, right, bottom = crop_box(box, _MARGIN, _ASPECT, width=pixels.shape[1], height=pixels.shape[0])
    return np.ascontiguousarray(pixels[top:bottom, left:right]), (left, top)


def _row(
    picture: Path,
    box: Float32[np.ndarray, "4"],
    reader: FaceReader,
    config: ArchiveConfig,
    height: int | None,
) -> dict[str, Any]:
    cutout, (left, top) = person_picture(picture, box, config)
    person = cutout.shape[0] if np.isnan(box).any() else float(box[3] - box[1])
    scale = 1.0 if height is None else min(1.0, height / person)
    if scale < 1:
        size = [max(1, round(side * scale)) for side in cutout.shape[1::-1]]
        cutout = np.asarray(cv2.resize(cutout, size, interpolation=cv2.INTER_AREA), np.uint8)
    row: dict[str, Any] = {"height": person * scale, "error": ""}
    try:
        (faces,) = reader.read([cutout])
    except FaceReadingError as error:
        return row | {"error": str(error)}
    face, whole = choose_face(faces, cutout.shape[0]), whole_picture_answer(faces)
    if face is not None:
        row |= {"score": face.score, "woman": face.woman, "age": face.age, "face_height": face.height}
        edges = zip(("left", "top", "right", "bottom"), face.box, (left, top, left, top), strict=True)
        row |= {name: place / scale + corner for name, place, corner in edges}
    elif whole is not None:
        row |= {"whole_woman": whole.woman, "whole_age": whole.age}
    return row


def _of_rows(rows: Sequence[dict[str, Any]]) -> Readings:
    values = {
        each.name: np.array(
            [np.nan if row.get(each.name) is None else row[each.name] for row in rows], np.float32
        )
        for each in fields(Readings)
        if each.name != "error"
    }
    return Readings(**values, error=tuple(row["error"] for row in rows))


def _key(pictures: Sequence[Path], boxes: BoxesXYXY, reader: FaceReader, height: int | None) -> str:
    parts: list[str | bytes] = [_CODE, reader.fingerprint, str(height), boxes.tobytes()]
    for picture in pictures:
        try:
            stat = picture.stat()
        except OSError as error:
            raise BadInputError(f"{picture}: {error}") from error
        parts += [name_of(picture), str(stat.st_size), str(stat.st_mtime_ns)]
    return digest_of(*parts)
