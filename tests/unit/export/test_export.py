import csv
import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from pycocotools.coco import COCO

from par_core.atomic import partial_name
from par_core.errors import BadConfigError, FilterError, TransientError
from par_core.export.folder import ExportReport, ExportRequest, export_people
from par_core.export.pictures import masks_of
from par_core.export.tables import CsvTable, harmless
from par_core.people.masks import decode_mask
from par_core.query.from_store import Searcher
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import FAKE, index, live_by_a_gate
from tests.pictures import archive, save, scene

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("export")
    index(root / "store", [archive(root / "photos", GROUPS)])
    return root / "store"


def export(store: Path, out: Path, form: str, **options: Any) -> ExportReport:
    return export_people(Searcher(store, FAKE), ExportRequest(form, out, **options))  # type: ignore[arg-type]


def test_parquet_holds_all_people_and_their_provenance(store: Path, tmp_path: Path) -> None:
    report = export(store, tmp_path / "out", "parquet", vectors=True, where="height_px > 10")
    table = pq.read_table(tmp_path / "out" / "people.parquet")
    rows = PeopleIndex.open(store / "index.lance").rows(table["person_id"].to_pylist()).sort_by("person_id")  # type: ignore[union-attr]
    assert report.people == len(table) == len(rows) == 7
    assert table.sort_by("person_id")["vector"].to_pylist() == rows["vector"].to_pylist()
    assert {"bright", "tall", "uri", "upper_color"} <= set(table.column_names)
    assert {"uris", "row_digest", "shard"} & set(table.column_names) == set()
    provenance = json.loads(table.schema.metadata[b"par.export"])
    assert (provenance["where"], provenance["embedding"], provenance["query"]) == (
        "height_px > 10",
        "fake-embedding-1",
        None,
    )
    assert json.loads((tmp_path / "out" / "provenance.json").read_text()) == {
        **provenance,
        "people": 7,
        "without_picture": {},
        "missing": 0,
    }


def test_the_hits_of_a_query_keep_their_order(store: Path, tmp_path: Path) -> None:
    export(store, tmp_path / "out", "csv", query="a red person", top=3)
    with (tmp_path / "out" / "people.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert [row["upper_color"] for row in rows][:2] == ["red", "red"]
    assert float(rows[0]["cosine"]) >= float(rows[1]["cosine"]) > float(rows[2]["cosine"])


@pytest.mark.parametrize("form", ["coco", "fiftyone"])
def test_coco_masks_are_those_of_the_store(
    store: Path, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    export(store, tmp_path / "out", form, vectors=True)
    coco = COCO(str(tmp_path / "out" / ("annotations.json" if form == "coco" else "labels.json")))
    opened = PeopleIndex.open(store / "index.lance")
    assert opened is not None
    masks = masks_of(opened.search(None, top=99), Store.open(store), opened.info.segment_config)
    assert len(coco.anns) == len(masks) == 7
    assert len(coco.imgs) == 4
    for annotation in coco.anns.values():
        mask = coco.annToMask(annotation).astype(bool)
        assert (mask == decode_mask(masks[annotation["person_id"]])).all()
        assert annotation["area"] == mask.sum() > 0
        x, y, width, height = annotation["bbox"]
        assert mask[round(y) : round(y + height), round(x) : round(x + width)].sum() == mask.sum()
        assert set(annotation["attributes"]) == {"bright", "tall"}
    assert coco.dataset["info"]["embedding"] == "fake-embedding-1"
    assert len(pq.read_table(tmp_path / "out" / "vectors.parquet")) == 7
    assert not list((tmp_path / "out").glob("*.images")), "no parts are left"


@pytest.mark.parametrize("form", ["coco", "fiftyone"])
def test_polygons_are_the_masks_again(store: Path, tmp_path: Path, form: str) -> None:
    export(store, tmp_path / "out", form, segmentation="polygon")
    coco = COCO(str(tmp_path / "out" / ("annotations.json" if form == "coco" else "labels.json")))
    opened = PeopleIndex.open(store / "index.lance")
    assert opened is not None
    masks = masks_of(opened.search(None, top=99), Store.open(store), opened.info.segment_config)
    assert len(coco.anns) == 7
    for annotation in coco.anns.values():
        mask = decode_mask(masks[annotation["person_id"]])
        assert (coco.annToMask(annotation).astype(bool) == mask).all()
        assert annotation["area"] == mask.sum()


def test_a_table_holds_no_outlines(store: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="csv holds no outlines"):
        export(store, tmp_path / "out", "csv", segmentation="polygon")


def test_fiftyone_has_every_picture_that_it_lists(store: Path, tmp_path: Path) -> None:
    export(store, tmp_path / "out", "fiftyone")
    listed = json.loads((tmp_path / "out" / "labels.json").read_text())["images"]
    assert {each["file_name"] for each in listed} == {
        path.name for path in (tmp_path / "out" / "data").iterdir()
    }
    for each in listed:
        assert (tmp_path / "out" / "data" / each["file_name"]).read_bytes() == Path(each["uri"]).read_bytes()
        with Image.open(tmp_path / "out" / "data" / each["file_name"]) as picture:
            assert picture.size == (each["width"], each["height"])


def test_crops_lose_their_background_only_if_asked(store: Path, tmp_path: Path) -> None:
    for background in ("eliminate", "keep"):
        export(store, tmp_path / background, "parquet", crops=background, where="upper_color = 'yellow'")
    (name,) = pq.read_table(tmp_path / "keep" / "people.parquet")["crop"].to_pylist()
    kept, eliminated = (
        np.array(Image.open(tmp_path / each / name)).astype(int) for each in ("keep", "eliminate")
    )
    assert kept.shape == eliminated.shape
    corner = (slice(0, 2), slice(0, 2))
    assert kept[corner].std(axis=2).max() < 15 < eliminated[corner].std(axis=2).max(), (
        "grey noise against the mean colour, which is yellowish"
    )


def test_people_without_a_picture_are_counted_and_named(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    (photos / "0001.png").unlink()
    save(photos / "0003.png", scene("green", seed=77))
    report = export(tmp_path / "store", tmp_path / "table", "parquet", crops="keep")
    assert (report.people, report.missing) == (7, 3)
    assert {Path(uri).name: why for uri, why in report.without_picture.items()} == {
        "0001.png": "the file is not there any more (vanished)",
        "0003.png": "the file is another one now",
    }
    assert pq.read_table(tmp_path / "table" / "people.parquet")["crop"].null_count == 3
    report = export(tmp_path / "store", tmp_path / "dataset", "fiftyone")
    assert (report.people, report.missing) == (4, 3)


def test_an_export_is_never_overwritten_by_accident_and_never_half_written(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export(store, out, "csv")
    with pytest.raises(BadConfigError, match="--force"):
        export(store, out, "csv")
    with monkeypatch.context() as patch:
        patch.setattr("par_core.export.tables.CsvTable.write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            export(store, out, "csv", force=True)
    assert (out / "people.csv").is_file(), "the old one stays until the new one is complete"
    left, at_work = partial_name(out), partial_name(out)
    for folder in (left, at_work):
        folder.mkdir()
    os.utime(left, (0, 0))
    export(store, out, "parquet", force=True)
    assert sorted(path.name for path in out.iterdir()) == ["people.parquet", "provenance.json"]
    assert not left.exists(), "a killed export left it"
    at_work.rmdir()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("x")
    with pytest.raises(BadConfigError, match="not made by par export"):
        export(store, mine, "csv", force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


@pytest.mark.parametrize("force", [True, False])
def test_an_earlier_export_stays_where_the_new_one_cannot_take_its_name(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    out, rename = tmp_path / "out", Path.rename
    if force:
        export(store, out, "csv")

    def refused(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise OSError(errno.EIO, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OSError, match="Input/output error"):
        export(store, out, "parquet", force=force)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == (
        ["out", "out/people.csv", "out/provenance.json"] if force else []
    )


@pytest.mark.parametrize("force", [True, False])
def test_what_took_the_name_while_an_export_was_written_is_not_replaced(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    out, write = tmp_path / "out", CsvTable.write

    def meanwhile(self: CsvTable, table: pa.Table) -> None:
        out.mkdir()
        (out / "thesis.tex").write_text("x")
        write(self, table)

    monkeypatch.setattr(CsvTable, "write", meanwhile)
    with pytest.raises(BadConfigError, match="not made by par export" if force else "--force"):
        export(store, out, "csv", force=force)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "out",
        "out/thesis.tex",
    ]


def test_what_a_killed_export_has_left_stops_no_other(store: Path, tmp_path: Path) -> None:
    for kind in ("partial", "old"):
        (tmp_path / f".out.{os.getpid()}.{kind}" / "crops").mkdir(parents=True)
    export(store, tmp_path / "out", "csv")
    export(store, tmp_path / "out", "csv", force=True)
    assert (tmp_path / "out" / "people.csv").is_file()


def test_a_lack_of_memory_ends_an_export_instead_of_leaving_people_out(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PngImageFile, "load", no_memory)
    with pytest.raises(TransientError, match="out of memory"):
        export(store, tmp_path / "out", "csv", crops="keep")
    assert not list(tmp_path.iterdir())


def test_a_bad_filter_leaves_nothing(store: Path, tmp_path: Path) -> None:
    for where in ("hut", "upper_color = 'rad'", "("):
        with pytest.raises(FilterError):
            export(store, tmp_path / "out", "csv", where=where)
    assert not list(tmp_path.iterdir())


def test_an_export_without_people_is_a_valid_file(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form, name in (("parquet", "people.parquet"), ("csv", "people.csv"), ("coco", "annotations.json")):
        assert export(store, tmp_path / form, form, where="height_px > 5000").people == 0
        assert (tmp_path / form / name).is_file()
    assert COCO(str(tmp_path / "coco" / "annotations.json")).anns == {}


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@x", "\tx", "\r=1", "plain", "a=1", "", None, 'quo"te, comma']
    escaped = harmless(pa.chunked_array([texts])).to_pylist()
    assert escaped == [
        "'=1+1",
        "'+1",
        "'-1",
        "'@x",
        "'\tx",
        "'\r=1",
        "plain",
        "a=1",
        "",
        None,
        'quo"te, comma',
    ]
    photos = tmp_path / "=cmd|' -C calc'!A0"
    save(photos / "a.png", scene("red"))
    index(tmp_path / "store", [photos])
    export(tmp_path / "store", tmp_path / "out", "csv", crops="keep")
    with (tmp_path / "out" / "people.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            assert not any((cell or "").startswith(("=", "+", "@", "\t", "\r")) for cell in row.values())


def test_a_live_version_that_lags_behind_exports_no_person_whose_file_is_missing(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    live_by_a_gate(tmp_path / "store")
    (photos / "0001.png").unlink()
    save(photos / "0099.png", scene("green", seed=99))
    index(tmp_path / "store", [photos])
    for form, options in (("parquet", {}), ("csv", {"query": "someone", "top": 99})):
        assert export(tmp_path / "store", tmp_path / form, form, **options).people == 5
    uris = pq.read_table(tmp_path / "parquet" / "people.parquet")["uri"].to_pylist()
    assert {Path(uri).name for uri in uris} == {"0000.png", "0003.png", "0004.png"}
