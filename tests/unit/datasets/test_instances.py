"""COCO's JSON and Open Images, written by the test in exactly the published format."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as coco_mask

from par_core.datasets.coco_outlines import checked_outline
from par_core.datasets.instances import coco_json_photos, coco_photos, open_images_photos
from par_core.datasets.outlines import read_photo
from par_core.errors import BadConfigError


def coco(root: Path) -> None:
    (root / "annotations").mkdir()
    (root / "val2017").mkdir()
    for name in ("000001.jpg", "000002.jpg", "000003.jpg"):
        Image.new("RGB", (40, 30)).save(root / "val2017" / name)
    mask = np.zeros((30, 40), np.uint8)
    mask[20:28, 30:38] = 1
    runs = coco_mask.encode(np.asfortranarray(mask))
    square = [5, 5, 15, 5, 15, 25, 5, 25]
    people = [
        {"image_id": 1, "category_id": 7, "iscrowd": 0, "segmentation": [square]},
        {
            "image_id": 1,
            "category_id": 7,
            "iscrowd": 0,
            "segmentation": {"size": runs["size"], "counts": runs["counts"].decode()},
        },
        {"image_id": 2, "category_id": 8, "iscrowd": 0, "segmentation": [square]},
        {
            "image_id": 3,
            "category_id": 7,
            "iscrowd": 1,
            "segmentation": {"size": [30, 40], "counts": [0, 1200]},
        },
    ]
    images = [{"id": i, "file_name": f"{i:06}.jpg"} for i in (1, 2, 3)]
    content = {
        "images": images,
        "annotations": people,
        "categories": [{"id": 7, "name": "person"}, {"id": 8, "name": "dog"}],
    }
    (root / "annotations" / "instances_val2017.json").write_text(json.dumps(content))


def test_coco_json_polygons_and_run_lengths(tmp_path: Path) -> None:
    coco(tmp_path)
    crowd_left_out = coco_json_photos(tmp_path)
    assert [(photo.image.name, photo.source) for photo in crowd_left_out] == [
        ("000001.jpg", "coco-json"),
        ("000002.jpg", "empty"),
    ]
    _, labels = read_photo(crowd_left_out[0])
    assert labels.shape == (30, 40)
    assert 180 <= (labels == 1).sum() <= 231
    assert (labels == 2).sum() == 64
    assert labels[24, 34] == 2
    assert not read_photo(crowd_left_out[1])[1].any()


@pytest.mark.parametrize(
    ("file", "picture", "written", "category"),
    [
        ("annotations/instances_default.json", "images/a.jpg", "a.jpg", "person"),  # CVAT
        ("annotations/instances_default.json", "images/default/a.jpg", "a.jpg", "Person"),
        ("annotations/instances_val2017.json", "images/val2017/a.jpg", "a.jpg", "person"),
        ("result.json", "images/a.jpg", "images/a.jpg", "person"),  # Label Studio
        ("result.json", "images/a.jpg", "images\\a.jpg", "People"),  # of Windows
        ("result.json", "images/a.jpg", "../../media/upload/1/a.jpg", "person"),  # of its own server
        ("train/_annotations.coco.json", "train/a.jpg", "a.jpg", "pedestrian"),  # Roboflow
        ("_annotations.coco.json", "a.jpg", "a.jpg", "person"),
        ("annotations.json", "JPEGImages/a.jpg", "JPEGImages/a.jpg", "human"),  # labelme2coco
        ("labels.json", "data/a.jpg", "a.jpg", "person"),  # FiftyOne, and par export fiftyone
    ],
)
def test_what_label_tools_export_is_found(
    tmp_path: Path, file: str, picture: str, written: str, category: str
) -> None:
    for place in (tmp_path / file, tmp_path / picture):
        place.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30)).save(tmp_path / picture)
    person = {"image_id": 0, "category_id": 0, "segmentation": [[5, 5, 15, 5, 15, 25, 5, 25]]}
    content = {
        "images": [{"id": 0, "file_name": written, "width": 40, "height": 30}],
        "annotations": [person],
        "categories": [{"id": 0, "name": category}],
    }
    (tmp_path / file).write_text(json.dumps(content))
    [photo] = coco_photos(tmp_path)
    assert photo.image.samefile(tmp_path / picture)
    assert 180 <= (read_photo(photo)[1] == 1).sum() <= 231


def test_of_several_parts_train_is_read(tmp_path: Path) -> None:
    for part in ("test", "train", "valid"):
        (tmp_path / part).mkdir()
        Image.new("RGB", (40, 30)).save(tmp_path / part / "a.jpg")
        content = {"images": [{"id": 0, "file_name": "a.jpg"}], "annotations": []}
        content |= {"categories": [{"id": 0, "name": "person"}]}
        (tmp_path / part / "_annotations.coco.json").write_text(json.dumps(content))
    assert [photo.image.parent.name for photo in coco_photos(tmp_path)] == ["train"]


def test_photographs_that_are_left_out_are_counted(tmp_path: Path) -> None:
    coco(tmp_path)
    (tmp_path / "val2017" / "000002.jpg").unlink()
    problems: list[str] = []
    assert [photo.image.name for photo in coco_json_photos(tmp_path, problems)] == ["000001.jpg"]
    gone, crowds = problems
    assert "1 of 3 photographs are not there, such as 000002.jpg" in gone
    assert "1 photographs with crowds are left out, such as 000003.jpg" in crowds


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ([5, 10], "run lengths of 15 pixels in an image of 40x30"),
        ([0, 2400], "run lengths of 2400 pixels"),
        ([-5, 1205], "no whole numbers"),
        ([0.5, 1199.5], "no whole numbers"),
        ("~~~", "no whole numbers"),
        ("0T3", "run lengths of 100 pixels"),
    ],
)
def test_run_lengths_that_do_not_add_up_are_no_outline(counts: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        checked_outline({"size": [30, 40], "counts": counts}, {"height": 30, "width": 40})


@given(arrays(np.uint8, (6, 7), elements=st.integers(0, 1)))
def test_run_lengths_of_pycocotools_are_taken(mask: np.ndarray) -> None:
    runs = coco_mask.encode(np.asfortranarray(mask))
    outline = {"size": runs["size"], "counts": runs["counts"].decode()}
    assert checked_outline(outline, {"height": "6", "width": "7"}) == {"size": [6, 7]} | {
        "counts": outline["counts"]
    }


def test_unusable_coco_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match=r"instances_NAME.json"):
        coco_json_photos(tmp_path)
    coco(tmp_path)
    file = tmp_path / "annotations" / "instances_val2017.json"
    file.write_text(file.read_text().replace("person", "cat"))
    with pytest.raises(BadConfigError, match="no category named 'person'"):
        coco_json_photos(tmp_path)
    file.write_text("{}")
    with pytest.raises(BadConfigError, match="not laid out as COCO's JSON"):
        coco_json_photos(tmp_path)


def test_open_images_masks_of_people(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "images" / "abc.jpg")
    mask = np.zeros((60, 80), np.uint8)  # masks may have another size than the picture
    mask[20:40, 20:60] = 255
    Image.fromarray(mask).save(tmp_path / "masks" / "abc_m01g317_1.png")
    rows = [
        {"MaskPath": "abc_m01g317_1.png", "ImageID": "abc", "LabelName": "/m/01g317", "BoxID": "1"},
        {"MaskPath": "abc_m0k4j_2.png", "ImageID": "abc", "LabelName": "/m/0k4j", "BoxID": "2"},
    ]
    with (tmp_path / "train-annotations-object-segmentation.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (photo,) = open_images_photos(tmp_path)
    _, labels = read_photo(photo)
    assert labels.shape == (30, 40)
    assert labels.sum() == 200
