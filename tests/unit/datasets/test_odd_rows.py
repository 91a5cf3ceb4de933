"""One odd row does not refuse a large public data set, and what is passed over is told."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from par_core.datasets.attribute_sets import read_attribute_set
from par_core.datasets.checking import check_outlines
from par_core.datasets.instances import coco_json_photos
from par_core.datasets.open_images import read_open_images
from par_core.datasets.outlines import outlined_photos, read_photo
from par_core.errors import BadConfigError

POLYGON = [50, 50, 150, 50, 150, 250, 50, 250]
COLUMNS = ["ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf", "IsDepiction"]


def coco(root: Path, change: dict[str, Any], people: int = 1, **top: Any) -> Path:
    """Two photographs with a person each; the second one's annotation is changed."""
    (root / "annotations").mkdir(parents=True)
    (root / "x").mkdir()
    for number in (1, 2):
        Image.new("RGB", (400, 300)).save(root / "x" / f"{number}.jpg")
    images = [{"id": number, "file_name": f"{number}.jpg", "width": 400, "height": 300} for number in (1, 2)]
    person = {"category_id": 1, "iscrowd": 0, "bbox": [50, 50, 100, 200], "segmentation": [POLYGON]}
    annotations = [person | {"id": 7, "image_id": 1}]
    annotations += [person | {"id": 8 + number, "image_id": 2} | change for number in range(people)]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    (root / "annotations" / "instances_x.json").write_text(json.dumps(content | top), encoding="utf-8-sig")
    return root


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"segmentation": []}, "a box without an outline"),
        ({"segmentation": None}, "a box without an outline"),
        ({"segmentation": [[50, 50, 150, 250]]}, "no polygon of three points"),
        ({"segmentation": [[]]}, "no polygon of three points"),
        ({"segmentation": [POLYGON[:-1]]}, "not of pairs"),
        ({"segmentation": [[*POLYGON[:-1], float("nan")]]}, "no finite number"),
        ({"segmentation": {"size": [10, 10], "counts": "0T3"}}, "run lengths of size"),
        ({"segmentation": "outline"}, "an outline that is str"),
    ],
)
def test_a_photograph_with_a_wrong_outline_is_passed_over_by_name(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    problems: list[str] = []
    photos = coco_json_photos(coco(tmp_path / "coco", change), problems)
    assert [photo.image.name for photo in photos] == ["1.jpg"]
    assert len(problems) == 1
    assert all(part in problems[0] for part in ("instances_x.json, image 2 (2.jpg): annotation 8: ", reason))
    assert check_outlines("coco", tmp_path / "coco").problems == tuple(problems)


def test_text_ids_and_a_flat_polygon_are_what_they_mean(tmp_path: Path) -> None:
    photos = coco_json_photos(coco(tmp_path / "coco", {"segmentation": POLYGON, "image_id": "2"}))
    areas = [int((read_photo(photo)[1] > 0).sum()) for photo in photos]
    assert areas[0] == areas[1] > 19_000


def test_more_people_than_a_label_map_holds_and_unlisted_images_are_told(tmp_path: Path) -> None:
    problems: list[str] = []
    assert len(coco_json_photos(coco(tmp_path / "many", {}, people=256), problems)) == 1
    assert "256 people, and a label map holds 255" in problems[0]
    problems.clear()
    coco_json_photos(coco(tmp_path / "unlisted", {"image_id": 9}), problems)
    assert "annotations of an image '9'" in problems[0]


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    root = coco(tmp_path / "coco", {"segmentation": []}, images=[{"id": 2, "file_name": "2.jpg"}])
    with pytest.raises(BadConfigError, match=r"no photograph of .* can be used.*without an outline"):
        coco_json_photos(root)


def open_images(
    root: Path, *boxes: tuple[float, float], group: str = "0", photo: str = "a.jpg"
) -> np.ndarray | None:
    (root / "images").mkdir(parents=True)
    Image.new("RGB", (400, 300)).save(root / "images" / photo, "JPEG")
    with (root / "validation-annotations-bbox.csv").open("w", newline="") as file:
        rows = [["a", "/m/04yx4", left, right, 0.1, 0.8, group, 0] for left, right in boxes]
        csv.writer(file).writerows([COLUMNS, *rows])
    return read_open_images(root, 0).boxes


def test_boxes_are_clipped_by_a_hair_and_passed_over_without_area(tmp_path: Path) -> None:
    boxes = open_images(tmp_path / "a", (0.1, 0.3), (0.5, 0.5), (0.5, 1.0000001), (-0.0001, 0.2))
    assert boxes is not None
    np.testing.assert_allclose(boxes[:, [0, 2]], [[40, 120], [200, 400], [0, 80]], atol=1e-3)
    with pytest.raises(BadConfigError, match=r"line 2: the box .* is no box"):
        open_images(tmp_path / "b", (0.5, 1.2))
    with pytest.raises(BadConfigError, match="no photograph with a man"):
        open_images(tmp_path / "c", (0.1, 0.3), group="True")
    assert open_images(tmp_path / "d", (0.1, 0.3), photo="a.JPG") is not None


def yolo(root: Path, text: str) -> Path:
    for part in ("images", "polygons", "boxes"):
        (root / "coco_people" / part).mkdir(parents=True)
    Image.new("RGB", (400, 300)).save(root / "coco_people" / "images" / "a.jpg")
    (root / "coco_people" / "polygons" / "a.txt").write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("begins", ["1 ", "1.0 ", "\ufeff1 "])
def test_yolo_files_of_other_writers(tmp_path: Path, begins: str) -> None:
    (photo,) = outlined_photos("coco", yolo(tmp_path, f"{begins}.1 .1 .3 .1 .3 .8 .1 .8\n"))
    assert (read_photo(photo)[1] > 0).sum() > 16_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 .1 .1 .3 .1 .3 .8 .1 .8\n1 .1 .1 .3\n", "a.txt, line 2: a class .* not 3 numbers"),
        ("1 .1 .1 .3 x\n", "a.txt, line 1: could not convert"),
        ("1 .1 .1 .3 nan\n", "a.txt, line 1: a class"),
        ("0 .1 .1 .3 .1 .3 .8 .1 .8\n", "a person is class 1 there, and the classes are 0"),
    ],
)
def test_a_wrong_row_of_a_yolo_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadConfigError, match=message):
        outlined_photos("coco", yolo(tmp_path, text))


def test_labels_as_pandas_writes_them(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "labels.csv").write_text(",image,hat,bag\n0,a.jpg,1.0,NaN\n1,b.jpg,0.0,\n")
    data = read_attribute_set("csv", tmp_path, 0)
    assert data.attributes == ("hat", "bag")
    assert [person.labels[0] for person in data.people] == [1.0, 0.0]
    assert all(np.isnan(person.labels[1]) for person in data.people)
