"""The photographs that were boxed by eye."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from par_core.datasets.outlines import BoxedPhoto, read_picture
from par_core.errors import BadConfigError
from par_core.models.torch_segmenter import compact_network
from par_core.training.boxed_data import BOXES, split_boxed
from par_core.training.segmenter_scores import score_boxes


@pytest.fixture
def flickr8k(tmp_path: Path) -> Path:
    (tmp_path / "flickr8k" / "images").mkdir(parents=True)
    return tmp_path


def test_each_photograph_is_in_one_part_and_half_of_those_held_out_choose(flickr8k: Path) -> None:
    split = split_boxed(flickr8k)
    parts = [{photo.image for photo in part} for part in (split.train, split.choose, split.report)]
    with BOXES.open() as rows:
        listed = list(csv.DictReader(rows))
    assert set().union(*parts) == {flickr8k / "flickr8k" / "images" / row["image"] for row in listed}
    assert sum(map(len, parts)) == len(set().union(*parts)) == 47
    assert list(map(len, parts)) == [31, 8, 8]
    people = [photo.boxes for part in (split.train, split.held_out) for photo in part]
    assert sum(map(len, people)) == sum(row["x1"] != "" for row in listed) == 88
    assert sum(len(boxes) == 0 for boxes in people) == 14
    assert split_boxed(flickr8k / "flickr8k").train[0].image == split.train[0].image


def test_a_folder_without_the_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="flickr8k"):
        split_boxed(tmp_path)


@pytest.mark.data
def test_boxes_lie_in_their_photographs(data_dir: Path) -> None:
    split = split_boxed(data_dir)
    for photo in (*split.train, *split.held_out):
        height, width = read_picture(photo.image).shape[:2]
        x1, y1, x2, y2 = photo.boxes.T
        assert min(x1.min(initial=0), y1.min(initial=0)) >= 0
        assert max(x2.max(initial=0) - width, y2.max(initial=0) - height) <= 0
        assert min((x2 - x1).min(initial=5), (y2 - y1).min(initial=5)) >= 5


def test_boxes_are_scored_with_false_people_of_pictures_without_people(tmp_path: Path) -> None:
    skimage = pytest.importorskip("skimage.data")
    image = tmp_path / "camera.png"
    cv2.imwrite(str(image), skimage.camera())
    network = compact_network()
    there = BoxedPhoto(image, np.array([[60, 60, 310, 500]], np.float32))
    elsewhere = BoxedPhoto(image, np.array([[480, 2, 512, 30]], np.float32))
    assert score_boxes(network, [there])["box_ap50"] == pytest.approx(1)
    assert score_boxes(network, [elsewhere])["box_ap50"] == 0
    nobody = BoxedPhoto(image, np.zeros((0, 4), np.float32))
    assert score_boxes(network, [there, nobody])["box_ap50"] < 1
