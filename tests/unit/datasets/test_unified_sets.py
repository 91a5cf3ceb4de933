"""UPAR and MSP60K, written by the test in exactly the published formats."""

import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from par_core.datasets.attribute_sets import read_attribute_set
from par_core.datasets.checking import check_attributes
from par_core.datasets.merged_labels import labels_of
from par_core.errors import BadConfigError
from tests.published import (
    EasyDict,
    N,
    msp60k,
    msp60k_pickle,
    turned,
    upar_csv,
    upar_pickle,
    write_pickle,
)


@pytest.mark.parametrize("headless", [False, True])
def test_upar_is_read_from_the_files_of_a_challenge(tmp_path: Path, headless: bool) -> None:
    wanted = upar_csv(tmp_path, headless=headless)
    data = read_attribute_set("upar", tmp_path)
    assert len(data.attributes) == 40
    assert data.attributes[:4] == ("Age-Young", "Age-Adult", "Age-Old", "Gender-Female")
    assert np.array_equal(labels_of(list(data.people)), wanted)
    assert data.parts == {"train": (0, 1, 2, 3), "val": (4, 5)}
    assert data.people[1].image == tmp_path / "PETA/images/00001.png"
    with pytest.raises(BadConfigError, match=r"has one split, 0; UPAR/dataset_all.pkl has ten"):
        read_attribute_set("upar", tmp_path, 1)


def test_upar_of_2024_has_train_alone(tmp_path: Path) -> None:
    wanted = upar_csv(tmp_path, headless=True, later=False)
    data = read_attribute_set("upar", tmp_path)
    assert np.array_equal(labels_of(list(data.people)), wanted)
    assert {part: len(rows) for part, rows in data.parts.items()} == {"train": N}


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_upar_is_read_from_its_pickle_with_ten_partitions(tmp_path: Path, protocol: int) -> None:
    wanted = upar_pickle(tmp_path, protocol)
    for number in range(10):
        data = read_attribute_set("upar", tmp_path, number)
        assert data.parts["train"] == tuple(turned(number)[:3] - 1)
        assert data.parts["test"] == tuple(turned(number)[4:] - 1)
    assert np.array_equal(labels_of(list(data.people)), wanted)
    with pytest.raises(BadConfigError, match="upar has no split 10"):
        read_attribute_set("upar", tmp_path, 10)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",1", ",7", r"gt.csv, line 2: 'Age-.*' is '7', not 1 or 0"),
        ("\nPETA", "\n../PETA", r"gt.csv, line 3: '../PETA/images/00001.png' is no path"),
        ("PETA/images/00001.png,", "PETA/images/00001.png,1,", r"gt.csv, line 3: 42 cells instead of 41"),
        ("Age-Old", "Age-Ancient", r"gt.csv, line 1: expected the 40 attributes of UPAR, got 'Age-Ancient'"),
        ("Age-Old,", "", r"gt.csv, line 1: expected the 40 attributes of UPAR, got '39 columns'"),
    ],
)
def test_an_odd_row_of_upar_is_named_by_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    upar_csv(tmp_path)
    file = tmp_path / "annotations/task1/train/gt.csv"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(BadConfigError, match=message):
        read_attribute_set("upar", tmp_path)


def test_msp60k_has_a_random_split_and_two_by_scene(tmp_path: Path) -> None:
    wanted = msp60k(tmp_path)
    data = read_attribute_set("msp60k", tmp_path)
    assert np.array_equal(labels_of(list(data.people)), wanted)
    assert data.parts == {"train": (0, 1, 2), "val": (3,), "test": (4, 5)}
    by_scene = read_attribute_set("msp60k", tmp_path, 1)
    assert [by_scene.people[i].image.name for i in by_scene.parts["test"]] == ["part0_0.jpg", "part1_1.jpg"]
    assert np.array_equal(labels_of(list(by_scene.people)), np.roll(wanted, -2, axis=0))
    assert check_attributes("msp60k", tmp_path, 2).parts == {"train": 2, "test": 4}


def test_msp60k_is_read_from_the_pickle_of_its_authors_code(tmp_path: Path) -> None:
    wanted = msp60k_pickle(tmp_path)
    data = read_attribute_set("msp60k", tmp_path, 2)
    assert np.array_equal(labels_of(list(data.people)), wanted)
    assert data.parts == {"train": (0, 1, 2, 3), "test": (4, 5)}
    with pytest.raises(BadConfigError, match=r"random_split.json is missing"):
        read_attribute_set("msp60k", tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1] * 56, r"random_split.json, 'part0_0.jpg': 56 labels instead of 57"),
        ([1] * 56 + [3], r"random_split.json, 'part0_0.jpg': 'Riding a skateboard' is 3, neither 0 nor 1"),
        ("no", r"random_split.json, 'part0_0.jpg': no labels instead of 57"),
    ],
)
def test_an_odd_picture_of_msp60k_is_named(tmp_path: Path, values: object, message: str) -> None:
    msp60k(tmp_path)
    file = tmp_path / "random_split.json"
    content = json.loads(file.read_text())
    content["train"]["part0_0.jpg"] = values
    file.write_text(json.dumps(content))
    with pytest.raises(BadConfigError, match=message):
        read_attribute_set("msp60k", tmp_path)


def test_a_picture_of_msp60k_in_two_parts_is_named(tmp_path: Path) -> None:
    msp60k(tmp_path)
    file = tmp_path / "random_split.json"
    content = json.loads(file.read_text())
    content["test"]["part0_0.jpg"] = content["train"]["part0_0.jpg"]
    file.write_text(json.dumps(content))
    with pytest.raises(BadConfigError, match=r"the picture 'part0_0.jpg' is there 2 times"):
        read_attribute_set("msp60k", tmp_path)


class Program:
    """What a hostile pickle holds."""

    def __init__(self, wanted: Path) -> None:
        self.wanted = wanted

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.wanted),)


def test_a_pickle_that_wants_more_than_arrays_is_refused_before_it_runs(tmp_path: Path) -> None:
    upar_pickle(tmp_path)
    file, made = tmp_path / "UPAR" / "dataset_all.pkl", tmp_path / "made"
    write_pickle(file, EasyDict(image_name=[], label=Program(made)))
    with pytest.raises(BadConfigError, match=r"dataset_all.pkl is refused: .*mkdir"):
        read_attribute_set("upar", tmp_path)
    assert not made.exists()
    pickle.load(io.BytesIO(pickle.dumps(Program(made))))
    assert made.exists(), "the program works where nothing is refused"


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"no pickle", b"\x80\x04]\x94."])
def test_a_damaged_pickle_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "UPAR").mkdir()
    (tmp_path / "UPAR" / "dataset_all.pkl").write_bytes(content)
    with pytest.raises(BadConfigError, match=r"dataset_all.pkl (is refused|holds a list)") as caught:
        read_attribute_set("upar", tmp_path)
    assert "\n" not in str(caught.value)
