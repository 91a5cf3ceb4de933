"""Data sets of people with attributes, written by the test in exactly the published format."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from par_core.datasets.attribute_sets import read_attribute_set
from par_core.datasets.merged_labels import labels_of
from par_core.datasets.peta import PETA_EVALUATED
from par_core.errors import BadConfigError
from tests.published import (
    N,
    cells,
    market1501,
    open_images,
    pa100k,
    peta,
    peta_folders,
    pictures,
    rapv1,
    rapv2,
    turned,
)

Write = Callable[[Path], np.ndarray]
MATS = [("peta", peta, 35), ("rapv1", rapv1, 51), ("rapv2", rapv2, 54), ("pa100k", pa100k, 26)]
NAMED = [pytest.param(name, write, id=name) for name, write, _ in MATS]


@pytest.mark.parametrize(("name", "write", "k"), MATS)
def test_labels_and_split_are_read_as_published(tmp_path: Path, name: str, write: Write, k: int) -> None:
    wanted = write(tmp_path)
    data = read_attribute_set(name, tmp_path)
    assert len(data.attributes) == k
    assert np.array_equal(labels_of(list(data.people)), wanted)
    assert {part: len(rows) for part, rows in data.parts.items()} == (
        {"train": 4, "test": 2} if name == "rapv1" else {"train": 3, "val": 1, "test": 2}
    )
    assert sorted(row for rows in data.parts.values() for row in rows) == list(range(N))


@pytest.mark.parametrize(("name", "write"), [("peta", peta), ("rapv1", rapv1), ("rapv2", rapv2)])
def test_each_of_the_five_splits_can_be_chosen(tmp_path: Path, name: str, write: Write) -> None:
    write(tmp_path)
    for number in range(5):
        assert read_attribute_set(name, tmp_path, number).parts["train"][:3] == tuple(turned(number)[:3] - 1)
    with pytest.raises(BadConfigError, match=f"{name} has no split 5; there are: 0, 1, 2, 3, 4"):
        read_attribute_set(name, tmp_path, 5)


@pytest.mark.parametrize(("name", "write"), NAMED)
def test_missing_pictures_are_named(tmp_path: Path, name: str, write: Write) -> None:
    write(tmp_path)
    missing, *others = [path for path in sorted(tmp_path.rglob("*")) if path.suffix in (".png", ".jpg")]
    missing.unlink()
    with pytest.raises(BadConfigError, match=f"{missing.name}$"):
        read_attribute_set(name, tmp_path)
    for path in others:
        path.unlink()
    with pytest.raises(BadConfigError, match="and 1 more"):
        read_attribute_set(name, tmp_path)


def test_what_is_not_as_published_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "annotation.mat"
    with pytest.raises(BadConfigError, match=r"annotation.mat is missing"):
        read_attribute_set("pa100k", tmp_path)
    file.write_text("no MATLAB here")
    with pytest.raises(BadConfigError, match=r"annotation.mat is no MATLAB file"):
        read_attribute_set("pa100k", tmp_path)
    scipy.io.savemat(file, {"something": 1})
    with pytest.raises(BadConfigError, match="has no 'attributes'; it has: something"):
        read_attribute_set("pa100k", tmp_path)
    scipy.io.savemat(file, {"attributes": cells(["a"]), "train_images_name": cells(["x.jpg"])})
    with pytest.raises(BadConfigError, match="not laid out as published"):
        read_attribute_set("pa100k", tmp_path)
    with pytest.raises(BadConfigError, match="there are: peta, rapv1, rapv2"):
        read_attribute_set("imagenet", tmp_path)


def test_a_wrong_label_or_part_is_reported_with_file_row_and_attribute(tmp_path: Path) -> None:
    pa100k(tmp_path)
    file = tmp_path / "annotation.mat"
    content = {name: value for name, value in scipy.io.loadmat(file).items() if not name.startswith("__")}
    content["val_label"][0, 2] = 3
    scipy.io.savemat(file, content)
    with pytest.raises(
        BadConfigError,
        match=r"annotation.mat: the label of image 4, attribute 'attribute 2', is 3, neither 0 nor 1",
    ):
        read_attribute_set("pa100k", tmp_path)
    peta(tmp_path)
    file = tmp_path / "PETA.mat"
    for train, message in (
        ([1, 2, 6], "image 6 is in 'train' and in 'test'"),
        ([1, 2, 7], "'train' names image 7 of 6"),
        ([1, 2], "image 3 is in no part"),
    ):
        content = scipy.io.loadmat(file)
        content["peta"][0][0][3][0][0][0][0]["train"] = np.array(train)[:, None]
        scipy.io.savemat(file, {"peta": content["peta"]})
        with pytest.raises(BadConfigError, match=f"PETA.mat: .*{message}"):
            read_attribute_set("peta", tmp_path)


def test_the_folders_of_peta_tell_who_is_who(tmp_path: Path) -> None:
    data = read_attribute_set("peta", peta_folders(tmp_path))
    assert data.attributes == PETA_EVALUATED
    labels_by_picture = {
        f"{person.image.parts[-3]}/{person.image.name}": dict(
            zip(data.attributes, person.labels, strict=True)
        )
        for person in data.people
    }
    assert {name for name, worn in labels_by_picture["VIPeR/0001_2.bmp"].items() if worn} == {
        "personalMale",
        "accessoryHat",
    }
    assert {name for name, worn in labels_by_picture["GRID/2_1.jpg"].items() if worn} == {
        "upperBodyTshirt",
        "hairLong",
    }
    assert {name for name, worn in labels_by_picture["CUHK/0001002.png"].items() if worn} == {
        "footwearSneaker"
    }
    assert data.identities[:3] == ("3DPeS/0001", "3DPeS/0001", "3DPeS/2")
    assert len(set(data.identities)) == 20
    assert data.parts == {}


def test_mistakes_in_the_folders_of_peta_are_reported_with_file_and_line(tmp_path: Path) -> None:
    peta_folders(tmp_path)
    archive = tmp_path / "PETA dataset" / "MIT" / "archive"
    pictures(archive, ["5_1.jpg"])
    with pytest.raises(
        BadConfigError, match=r"MIT/archive/Label.txt has no line for '5', of whom 5_1.jpg is a picture"
    ):
        read_attribute_set("peta", tmp_path)
    file = archive / "Label.txt"
    file.write_text("0001 personalMale\n\n5 personalMale hat\n")
    with pytest.raises(BadConfigError, match=r"MIT/archive/Label.txt, line 3: .* got 'hat'"):
        read_attribute_set("peta", tmp_path)
    with pytest.raises(BadConfigError, match=r"have no official split 2; PETA.mat has"):
        read_attribute_set("peta", tmp_path, 2)
    shutil.rmtree(archive)
    with pytest.raises(BadConfigError, match=r"MIT/archive/Label.txt is missing"):
        read_attribute_set("peta", tmp_path)
    with pytest.raises(BadConfigError, match=r"holds no PETA: PETA.mat is missing"):
        read_attribute_set("peta", tmp_path / "PETA dataset" / "GRID")


def test_without_identities_there_is_no_split_by_people(tmp_path: Path) -> None:
    peta(tmp_path)
    with pytest.raises(BadConfigError, match=r"PETA.mat does not say"):
        read_attribute_set("peta", tmp_path, "zs")
    with pytest.raises(BadConfigError, match=r"pa100k has no split 'zs'; there are: 0$"):
        read_attribute_set("pa100k", tmp_path, "zs")


def test_the_split_by_people_of_rapv2_takes_those_who_are_known(tmp_path: Path) -> None:
    rapv2(tmp_path, people=(7, 7, 9, -1, 11, 13))
    data = read_attribute_set("rapv2", tmp_path, "zs")
    assert data.identities == ("7", "7", "9", "11", "13")
    assert [person.image.name for person in data.people] == [f"CAM01_{i}.png" for i in (0, 1, 2, 4, 5)]
    assert len(data.attributes) == 53
    assert "Age46-60" not in data.attributes
    assert {len(person.labels) for person in data.people} == {53}
    assert sorted(row for rows in data.parts.values() for row in rows) == [0, 1, 2, 3, 4]


def test_rapv2_knows_the_people_of_its_first_images_only(tmp_path: Path) -> None:
    rapv2(tmp_path, people=(7, 7, 9, -1))
    assert read_attribute_set("rapv2", tmp_path).identities == ("7", "7", "9", "", "", "")


def test_market_labels_go_with_photographs_by_identity(tmp_path: Path) -> None:
    market1501(tmp_path)
    data = read_attribute_set("market1501", tmp_path)
    assert data.identities == ("0002", "0002", "0007", "0007", "0001", "0001", "0003", "0003")
    assert data.parts == {"train": (0, 1, 2, 3), "test": (4, 5, 6, 7)}
    assert data.attributes == ("age1", "age2", "age3", "age4", "gender", "hat")
    assert data.people[0].labels == (0, 1, 0, 0, 1, 0)
    assert data.people[2].labels == (0, 0, 0, 1, 0, 1)
    market1501(tmp_path, hat=3)
    with pytest.raises(
        BadConfigError, match=r"market_attribute.mat: 'hat' of person 0007 is 3, not one of 1, 2"
    ):
        read_attribute_set("market1501", tmp_path)


@pytest.mark.data
def test_the_real_market_labels_go_with_photographs_by_identity(tmp_path: Path, data_dir: Path) -> None:
    shutil.copy(data_dir / "market1501_attribute" / "market_attribute.mat", tmp_path)
    pictures(
        tmp_path / "bounding_box_train",
        ["0002_c1s1_000451_03.jpg", "0002_c2s1_000301_01.jpg", "0007_c1s6_028546_01.jpg"],
    )
    pictures(
        tmp_path / "bounding_box_test",
        ["-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg", "0001_c1s1_001051_00.jpg"],
    )
    data = read_attribute_set("market1501", tmp_path)
    assert data.identities == ("0002", "0002", "0007", "0001")
    assert data.parts == {"train": (0, 1, 2), "test": (3,)}
    assert len(data.attributes) == 30  # 26 of yes or no, four ages
    real = scipy.io.loadmat(data_dir / "market1501_attribute" / "market_attribute.mat", simplify_cells=True)[
        "market_attribute"
    ]["train"]
    column = data.attributes.index("backpack")
    assert data.people[0].labels[column] == float(
        real["backpack"][list(real["image_index"]).index("0002")] == 2
    )


@pytest.mark.data
def test_mit_pedestrians_have_gender_and_orientation(data_dir: Path) -> None:
    data = read_attribute_set("mit", data_dir)
    assert data.attributes == ("female", "front")
    assert all(
        person.labels == (float("_female_" in person.image.name), float("_fore" in person.image.name))
        for person in data.people
    )


def test_people_of_open_images_by_the_class_of_their_box(tmp_path: Path) -> None:
    pictures(tmp_path / "images", ["a.jpg", "b.jpg"], (40, 20))
    box = ("0.25", "0.5", "0.1", "0.9")
    rows = [
        ("a", "/m/03bt1vf", *box, "0", "0"),
        ("a", "/m/01bl7v", *box, "0", "0"),
        ("a", "/m/01g317", *box, "0", "0"),
    ]
    rows += [
        ("a", "/m/04yx4", *box, "1", "0"),
        ("a", "/m/04yx4", *box, "0", "1"),
        ("not here", "/m/04yx4", *box, "0", "0"),
    ]
    open_images(tmp_path, rows)
    file = open_images(tmp_path, [("b", "/m/04yx4", *box, "0", "0")], "validation")
    data = read_attribute_set("openimages", tmp_path)
    assert data.attributes == ("female", "child")
    assert [(person.image.stem, person.labels) for person in data.people] == [
        ("a", (1, 0)),
        ("a", (0, 1)),
        ("b", (0, 0)),
    ]
    assert data.parts == {"train": (0, 1), "val": (2,)}
    assert data.boxes is not None
    assert data.boxes[0].tolist() == [10, 2, 20, 18]
    file.write_text(file.read_text().replace("0.25", "0.75"))
    with pytest.raises(
        BadConfigError, match=r"validation-annotations-bbox.csv, line 2: the box 0.75 0.1 0.5 0.9 is no box"
    ):
        read_attribute_set("openimages", tmp_path)
    file.write_text(file.read_text().replace("IsDepiction", "IsDrawn"))
    with pytest.raises(BadConfigError, match=r"validation-annotations-bbox.csv has no column 'IsDepiction'"):
        read_attribute_set("openimages", tmp_path)


def test_attributes_of_rapv2_beyond_the_selected_ones_are_read_where_they_are_wanted(tmp_path: Path) -> None:
    """The selected ones lack the age over 60, which is in the paper's Table 2."""
    selected = rapv2(tmp_path)
    usual = read_attribute_set("rapv2", tmp_path)
    data = read_attribute_set("rapv2", tmp_path, also=("attribute 150", "attribute 12", "AgeBiger60"))
    assert data.attributes == (*usual.attributes, "attribute 150")
    assert [person.labels[:54] for person in data.people] == [tuple(row) for row in selected.tolist()]
    content = scipy.io.loadmat(tmp_path / "RAP_annotation" / "RAP_annotation.mat", simplify_cells=True)
    everything = content["RAP_annotation"]["data"]
    assert [person.labels[54] for person in data.people] == everything[:, 150].tolist()
    assert data.parts == usual.parts
