"""What programs of the development environment make of exports: torchvision and pycocotools of COCO, pandas
of Parquet. Further ones are run by benchmarks/consumers.py.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2

from par_core.export.folder import ExportRequest, export_people
from par_core.query.from_store import Searcher
from tests.indexing import FAKE, index
from tests.pictures import archive

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("consumers")
    index(root / "store", [archive(root / "photos", GROUPS)])
    return root / "store"


def export(store: Path, out: Path, form: str, **options: Any) -> Path:
    export_people(Searcher(store, FAKE), ExportRequest(form, out, **options))  # type: ignore[arg-type]
    return out


@pytest.mark.parametrize("segmentation", ["rle", "polygon"])
def test_torchvision_reads_pictures_boxes_and_masks(store: Path, tmp_path: Path, segmentation: str) -> None:
    folder = export(store, tmp_path / "out", "fiftyone", segmentation=segmentation)
    exact = COCO(str(export(store, tmp_path / "exact", "fiftyone") / "labels.json"))
    data = wrap_dataset_for_transforms_v2(
        CocoDetection(str(folder / "data"), str(folder / "labels.json")),
        target_keys=("boxes", "labels", "masks", "image_id"),
    )
    people = 0
    for picture, target in data:
        annotations = exact.imgToAnns[target["image_id"]]
        people += len(annotations)
        assert target["labels"].tolist() == [1] * len(annotations)
        assert tuple(target["masks"].shape[1:]) == (picture.height, picture.width)
        for mask, annotation in zip(target["masks"].numpy(), annotations, strict=True):
            assert (mask == exact.annToMask(annotation)).all()
    assert people == 7


@pytest.mark.parametrize("segmentation", ["rle", "polygon"])
def test_pycocotools_scores_an_export_against_itself_as_perfect(
    store: Path, tmp_path: Path, segmentation: str
) -> None:
    exact = COCO(str(export(store, tmp_path / "exact", "coco") / "annotations.json"))
    folder = export(store, tmp_path / "out", "coco", segmentation=segmentation)
    detected = json.loads((folder / "annotations.json").read_text())["annotations"]
    for kind in ("segm", "bbox"):
        scored = COCOeval(exact, exact.loadRes(detected), kind)
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
        assert scored.stats[0] == 1.0


def test_pandas_reads_rows_types_and_vectors(store: Path, tmp_path: Path) -> None:
    folder = export(store, tmp_path / "out", "parquet", vectors=True)
    people = pd.read_parquet(folder / "people.parquet")
    assert len(people) == people["person_id"].nunique() == 7
    vectors = np.stack(people["vector"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert str(people["captured_at"].dtype).startswith("datetime64")
