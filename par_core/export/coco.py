"""COCO JSON of people and their masks, written a batch at a time. FiftyOne reads the same file beside a
folder of pictures.

The lists of images and annotations are written to two files, which are joined at the end. Only the number of
each image stays in memory: about 150 bytes per image.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa

from par_core.people.masks import mask_area
from par_core.people.polygons import mask_polygons
from par_core.types import MaskRLE

__all__ = ["CocoFile"]

_IMAGE: Final = ("image_id", "uri", "image_width", "image_height", "captured_at")
_KEPT: Final = (
    *("person_id", "score", "cutout", "upper_color", "lower_color"),
    *("rank", "cosine", "probability", "crop"),
    *("tags", "note"),
)


class CocoFile:
    """A COCO file of one category, ``person``: ``bbox`` is x, y, width, height in pixels, ``segmentation`` a
    compressed run-length of the whole image, or polygons.

    Args:
        path: Path of the file.
        attributes: Columns that become ``attributes`` of an annotation: probability by name.
        provenance: Provenance of the export; becomes ``info``.
        named_by_id: Whether file names of images are ``IMAGE_ID.SUFFIX`` instead of their uri.
        polygons: Whether outlines are polygons instead of run-lengths.
    """

    def __init__(
        self,
        path: Path,
        attributes: Sequence[str],
        provenance: Mapping[str, Any],
        *,
        named_by_id: bool = False,
        polygons: bool = False,
    ) -> None:
        self._path, self._attributes, self._provenance = path, attributes, provenance
        self._named_by_id, self._polygons = named_by_id, polygons
        self._numbers: dict[str, int] = {}
        self._people = 0
        self._files = [path.with_suffix(f".{part}") for part in ("images", "annotations")]
        self._images, self._annotations = (each.open("w", encoding="utf-8") for each in self._files)

    def __enter__(self) -> "CocoFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._images.close()
        self._annotations.close()
        if kind is None:
            self._join()
        for each in self._files:
            each.unlink()

    def write(self, people: pa.Table, masks: Mapping[str, MaskRLE], names: Mapping[str, str]) -> None:
        """Add people.

        Args:
            people: Rows of people.
            masks: Masks by person id.
            names: File names by image id, where images are named by id.
        """
        for row in people.drop_columns(["vector"]).to_pylist():
            if row["image_id"] not in self._numbers:
                self._numbers[row["image_id"]] = len(self._numbers) + 1
                self._add(self._images, len(self._numbers), self._image(row, names))
            self._people += 1
            self._add(self._annotations, self._people, self._annotation(row, masks[row["person_id"]]))

    def _image(self, row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        image = {
            "id": self._numbers[row["image_id"]],
            "file_name": names[row["image_id"]] if self._named_by_id else row["uri"],
            "width": row["image_width"],
            "height": row["image_height"],
            "image_id": row["image_id"],
            "uri": row["uri"],
        }
        return image | ({"date_captured": row["captured_at"].isoformat()} if row["captured_at"] else {})

    def _annotation(self, row: Mapping[str, Any], mask: MaskRLE) -> dict[str, Any]:
        return {
            "id": self._people,
            "image_id": self._numbers[row["image_id"]],
            "category_id": 1,
            "bbox": [
                round(value, 2)
                for value in (row["x1"], row["y1"], row["x2"] - row["x1"], row["y2"] - row["y1"])
            ],
            "area": mask_area(mask),
            "segmentation": mask_polygons(mask) if self._polygons else _run_lengths(mask),
            "iscrowd": 0,
            **{name: row[name] for name in _KEPT if row.get(name) is not None},
            "attributes": {name: row[name] for name in self._attributes if row[name] is not None},
        }

    @staticmethod
    def _add(file: Any, number: int, item: Mapping[str, Any]) -> None:
        file.write((",\n" if number > 1 else "") + json.dumps(item, ensure_ascii=False))

    def _join(self) -> None:
        parts: Iterable[tuple[str, Path]] = zip(("images", "annotations"), self._files, strict=True)
        with self._path.open("w", encoding="utf-8") as whole:
            head = {
                "info": {"description": "people found by PAR", **self._provenance},
                "licenses": [],
                "categories": [{"id": 1, "name": "person"}],
            }
            whole.write(json.dumps(head, ensure_ascii=False)[:-1])
            for name, part in parts:
                whole.write(f',\n"{name}": [\n')
                with part.open(encoding="utf-8") as file:
                    shutil.copyfileobj(file, whole)
                whole.write("\n]")
            whole.write("}\n")


def _run_lengths(mask: MaskRLE) -> dict[str, Any]:
    return {"size": [mask.height, mask.width], "counts": mask.counts.decode("ascii")}
