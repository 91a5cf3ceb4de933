"""Export of people to a folder, which is complete or absent."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from par_core.atomic import ABANDONED_S, folder_aside, remove_partials
from par_core.errors import BadConfigError, UnreadableImageError
from par_core.export.coco import CocoFile
from par_core.export.pictures import cut_people, masks_of, read_pictures
from par_core.export.selection import Selection, select_people
from par_core.export.tables import CsvTable, ParquetTable
from par_core.query.from_store import Searcher
from par_core.types import MaskRLE
from par_core.version import __version__

__all__ = ["FORMATS", "ExportReport", "ExportRequest", "export_people"]

Format = Literal["parquet", "csv", "coco", "fiftyone"]
FORMATS: Final[tuple[Format, ...]] = ("parquet", "csv", "coco", "fiftyone")
_CROPS: Final = ("eliminate", "blur", "keep")
_SEGMENTATIONS: Final = ("rle", "polygon")
_PROVENANCE: Final = "provenance.json"
_MOST_TROUBLE: Final = 1_000  # files without picture that a report lists
_SUFFIXES: Final = {
    b"\xff\xd8": ".jpg",
    b"\x89P": ".png",
    b"GI": ".gif",
    b"BM": ".bmp",
    b"RI": ".webp",
    b"II": ".tif",
    b"MM": ".tif",
}


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Settings of an export.

    Attributes:
        form: ``parquet``, ``csv``, ``coco`` or ``fiftyone``.
        out: Folder to make.
        query: Query as for ``par search``, or None for all people.
        where: Filter, or None.
        top: Greatest number of hits of a query.
        crops: Background of crops: ``eliminate``, ``blur`` or ``keep``; None for no crops.
        vectors: Whether to export the embeddings too.
        force: Whether to replace an existing export.
        segmentation: How ``coco`` and ``fiftyone`` write outlines: ``rle`` or ``polygon``; None for ``rle``.
        people: Ids of the people, without a query; None for all.
    """

    form: Format
    out: Path
    query: str | None = None
    where: str | None = None
    top: int = 1_000
    crops: Literal["eliminate", "blur", "keep"] | None = None
    vectors: bool = False
    force: bool = False
    segmentation: Literal["rle", "polygon"] | None = None
    people: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Summary of a finished export.

    Attributes:
        out: The folder.
        people: Number of exported people.
        without_picture: Reason by uri for files whose people have no crop (with FiftyOne: are left out); the
            first thousand files.
        missing: Number of people in such files, all of them.
        warnings: Warnings for the user.
    """

    out: Path
    people: int
    without_picture: dict[str, str]
    missing: int
    warnings: tuple[str, ...]


def export_people(
    searcher: Searcher, request: ExportRequest, advance: Callable[[int], None] = lambda _: None
) -> ExportReport:
    """Export people.

    Args:
        searcher: The store.
        request: Settings of the export.
        advance: Called after every table with the number of people in it.

    Raises:
        BadConfigError: The folder exists, or a setting, the query or the filter is wrong.
        FingerprintError: There is a query and the store was filled with another model.
    """
    _check_choices(request)
    _check_place(request)
    chosen = select_people(searcher, request.query, request.where, request.top, request.people)
    provenance = _provenance(searcher, request, chosen)
    out = request.out.absolute()
    remove_partials(out.parent, of=out.name, idle_s=ABANDONED_S)
    with folder_aside(out, check=lambda: _check_place(request)) as folder:
        export = _Export(searcher, request, chosen, folder, provenance)
        with export:
            for table in chosen.tables:
                export.add(table)
                advance(len(table))
        provenance |= {"people": export.people, "without_picture": export.trouble, "missing": export.missing}
        content = json.dumps(provenance, indent=1, ensure_ascii=False)
        (folder / _PROVENANCE).write_text(content, encoding="utf-8")
    return ExportReport(request.out, export.people, export.trouble, export.missing, chosen.warnings)


def _check_choices(request: ExportRequest) -> None:
    """Refuse what a program may pass and the command line cannot."""
    if request.form not in FORMATS:
        raise BadConfigError(f"no format {request.form!r}; there are: {', '.join(FORMATS)}")
    if request.crops is not None and request.crops not in _CROPS:
        raise BadConfigError(f"no treatment {request.crops!r} of crops; there are: {', '.join(_CROPS)}")
    if request.segmentation is not None:
        if request.segmentation not in _SEGMENTATIONS:
            raise BadConfigError(
                f"no segmentation {request.segmentation!r}; there are: {', '.join(_SEGMENTATIONS)}"
            )
        if request.form not in ("coco", "fiftyone"):
            raise BadConfigError(f"{request.form} holds no outlines; a segmentation is for coco and fiftyone")
    if not 1 <= request.top <= 10_000:
        raise BadConfigError(f"top is 1 to 10,000, got {request.top}")


class _Export:
    """Writer of the files of one export."""

    def __init__(
        self,
        searcher: Searcher,
        request: ExportRequest,
        chosen: Selection,
        folder: Path,
        provenance: dict[str, Any],
    ) -> None:
        self._searcher, self._request, self._chosen, self._folder = searcher, request, chosen, folder
        self._config = searcher.config.archive
        self.people, self.missing = 0, 0
        self.trouble: dict[str, str] = {}
        self._open = contextlib.ExitStack()
        schema = pa.schema([field for field in chosen.schema if field.name not in ("vector", "shard")])
        vector = chosen.schema.field("vector")
        if request.crops is not None:
            schema = schema.append(pa.field("crop", pa.string()))
            (folder / "crops").mkdir()
        self._tables: list[ParquetTable | CsvTable] = []
        self._coco: CocoFile | None = None
        if request.form == "parquet":
            whole = schema.append(vector) if request.vectors else schema
            self._tables.append(
                self._open.enter_context(ParquetTable(folder / "people.parquet", whole, provenance))
            )
        elif request.form == "csv":
            self._tables.append(self._open.enter_context(CsvTable(folder / "people.csv", schema)))
        else:
            name = "labels.json" if request.form == "fiftyone" else "annotations.json"
            attributes = chosen.index.info.attributes
            self._coco = self._open.enter_context(
                CocoFile(
                    folder / name,
                    attributes,
                    provenance,
                    named_by_id=request.form == "fiftyone",
                    polygons=request.segmentation == "polygon",
                )
            )
        if request.form == "fiftyone":
            (folder / "data").mkdir()
        if request.vectors and request.form != "parquet":
            pair = pa.schema([chosen.schema.field("person_id"), vector])
            self._tables.append(
                self._open.enter_context(ParquetTable(folder / "vectors.parquet", pair, provenance))
            )

    def __enter__(self) -> "_Export":
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def add(self, table: pa.Table) -> None:
        """Add the people of a table, and their pictures."""
        request, pictured, names = self._request, set[str](), dict[str, str]()
        masks = (
            masks_of(table, self._searcher.store, self._chosen.index.info.segment_config)
            if self._coco or request.crops
            else {}
        )
        if request.crops is not None or request.form == "fiftyone":
            for rows, content in read_pictures(table, self._config):
                trouble = (
                    content if isinstance(content, str) else self._take_picture(rows, content, masks, names)
                )
                if not trouble:
                    pictured |= {row["person_id"] for row in rows}
                    continue
                self.missing += len(rows)
                if len(self.trouble) < _MOST_TROUBLE:
                    self.trouble[rows[0]["uri"]] = trouble
        if request.crops is not None:
            crops = [
                f"crops/{each}.jpg" if each in pictured else None for each in table["person_id"].to_pylist()
            ]
            table = table.append_column("crop", pa.array(crops, pa.string()))
        if request.form == "fiftyone":  # it lists only pictures that were copied
            table = table.filter(
                pa.array([each in names for each in table["image_id"].to_pylist()], pa.bool_())
            )
        for each in self._tables:
            each.write(table)
        if self._coco is not None:
            self._coco.write(table, masks, names)
        self.people += len(table)

    def _take_picture(
        self, rows: list[dict[str, Any]], content: bytes, masks: dict[str, MaskRLE], names: dict[str, str]
    ) -> str:
        """Write the crops, and the copy, of one file; return what is wrong with it, or an empty text."""
        if self._request.crops is not None:
            settings = self._searcher.config.describe.cutout.model_copy(
                update={"background": self._request.crops}
            )
            try:
                cut_people(rows, content, masks, settings, self._config, self._folder / "crops")
            except UnreadableImageError as error:
                return error.message
        if self._request.form == "fiftyone":
            image = rows[0]["image_id"]
            names[image] = image + _SUFFIXES.get(content[:2], ".jpg")
            (self._folder / "data" / names[image]).write_bytes(content)
        return ""


def _provenance(searcher: Searcher, request: ExportRequest, chosen: Selection) -> dict[str, Any]:
    info = chosen.index.info
    return {
        "created_by": f"par {__version__}",
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "store": searcher.store.place,
        "index_version": chosen.index.version,
        "profile": info.profile,
        "embedding": info.embedding,
        "segmentation": info.segment_config,
        "description": info.describe_config,
        "query": request.query,
        "where": request.where,
        "top": request.top if request.query is not None else None,
        "format": request.form,
        "crops": request.crops,
        "thresholds": chosen.index.thresholds,
    }


def _check_place(request: ExportRequest) -> None:
    out = request.out
    if not (out.exists() or out.is_symlink()):
        return
    if not request.force:
        raise BadConfigError(f"{out} is there already; choose another folder, or replace it with --force")
    if out.is_symlink() or not (out / _PROVENANCE).is_file():
        raise BadConfigError(
            f"{out} was not made by par export, so it is not replaced; choose another folder"
        )
