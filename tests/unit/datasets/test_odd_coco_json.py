"""An odd entry of COCO's JSON is named, and the rest of the file is used."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from par_core.datasets.instances import coco_json_photos
from par_core.datasets.outlines import read_photo
from par_core.errors import BadConfigError

SQUARE = [2, 2, 12, 2, 12, 22, 2, 22]
Change = Callable[[dict[str, Any]], object]


def person(number: int, image: int, **other: object) -> dict[str, Any]:
    return {"id": number, "image_id": image, "category_id": 1, "segmentation": [SQUARE], **other}


def write(root: Path, change: Change, orientation: int = 1) -> Path:
    """A file of two photographs with a person each, which a function changes."""
    (root / "images").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    size = (40, 30) if orientation < 5 else (30, 40)
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", size).save(root / "images" / name, exif=exif)
    images = [
        {"id": i, "file_name": name, "width": 40, "height": 30} for i, name in ((1, "a.jpg"), (2, "b.jpg"))
    ]
    content: dict[str, Any] = {"images": images, "annotations": [person(1, 1), person(2, 2)]}
    content["categories"] = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]
    change(content)
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_images.json").write_text(json.dumps(content))
    return root


def read(root: Path) -> tuple[dict[str, int], str]:
    """Number of people by photograph, and what was told."""
    problems: list[str] = []
    photos = coco_json_photos(root, problems)
    return {photo.image.name: int(read_photo(photo)[1].max()) for photo in photos}, " ".join(problems)


BOTH, SECOND = {"a.jpg": 1, "b.jpg": 1}, {"b.jpg": 1}


@pytest.mark.parametrize(
    ("change", "people", "told"),
    [
        (
            lambda c: c["annotations"][0].pop("category_id"),
            SECOND,
            "1 annotations of no category that it lists",
        ),
        (lambda c: c["annotations"][0].update(category_id=9), SECOND, "such as image 1"),
        (
            lambda c: c["annotations"].append({"id": 3}),
            BOTH,
            'annotations without image_id, such as number 2: {"id"',
        ),
        (
            lambda c: c["annotations"].append(None),
            BOTH,
            "1 annotations without image_id, such as number 2: null",
        ),
        (
            lambda c: c["images"].append(None),
            BOTH,
            "1 images without id and file_name, such as number 2: null",
        ),
        (
            lambda c: c["images"][0].pop("file_name"),
            SECOND,
            "annotations of an image '1', which it does not list",
        ),
        (lambda c: c["images"].append({**c["images"][0], "id": 9}), SECOND, "listed under several ids"),
        (lambda c: c["categories"].append({"id": 5}), BOTH, "1 categories without id and name"),
        (
            lambda c: c["images"][0].update(width=80, height=60),
            SECOND,
            "an image of 80x60, but the picture has 40x30",
        ),
        (
            lambda c: c["images"][0].update(width=30, height=40),
            SECOND,
            "image 1 (a.jpg): outlines in an image of 30x40",
        ),
        (lambda c: c["images"][0].update(width="40", height=30.0), BOTH, ""),
        (lambda c: c["annotations"].append(person(3, 1, category_id=2)), BOTH, ""),
    ],
)
def test_an_odd_entry_is_named_and_the_rest_is_used(
    tmp_path: Path, change: Change, people: dict[str, int], told: str
) -> None:
    found, problems = read(write(tmp_path, change))
    assert found == people
    assert told in problems
    assert bool(told) == bool(problems)


@pytest.mark.parametrize("far", [1e30, -1e30, 1e7, 81])
@pytest.mark.parametrize("sized", [True, False])
def test_a_coordinate_far_outside_is_refused_before_it_is_drawn(
    tmp_path: Path, far: float, sized: bool
) -> None:
    def change(content: dict[str, Any]) -> None:
        content["annotations"][0]["segmentation"] = [[2, 2, far, 2, 12, 22, 2, 22]]
        if not sized:
            content["images"][0].pop("width")

    found, problems = read(write(tmp_path, change))
    if far == 81 and not sized:
        assert found == BOTH
    else:
        assert found == SECOND
        assert "annotation 1: a coordinate more than" in problems


def test_the_size_is_that_of_the_upright_picture(tmp_path: Path) -> None:
    assert read(write(tmp_path, lambda _: None, orientation=6)) == (BOTH, "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[" * 100_000, "RecursionError"),
        ('{"images": [], "annotations": {}, "categories": []}', "annotations is no list"),
        ("[]", "TypeError"),
        ('{"images": [', "JSONDecodeError"),
    ],
)
def test_a_file_that_is_no_coco_json_is_refused(tmp_path: Path, content: str, said: str) -> None:
    write(tmp_path, lambda _: None)
    (tmp_path / "annotations" / "instances_images.json").write_text(content)
    with pytest.raises(
        BadConfigError, match=rf"instances_images\.json is not laid out as COCO's JSON.*{said}"
    ):
        coco_json_photos(tmp_path)
