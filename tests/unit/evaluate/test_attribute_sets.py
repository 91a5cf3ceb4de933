"""Data sets of people with attributes, written by the test in exactly the published format."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from par_core.errors import BadConfigError
from par_core.evaluate.datasets.attribute_sets import read_attribute_set

N = 6


def cells(values: list[object], *, wide: bool = False) -> np.ndarray:
    """A MATLAB cell array, a column unless ``wide``."""
    column = np.empty((len(values), 1), object)
    for i, value in enumerate(values):
        column[i, 0] = value
    return column.T if wide else column


def pictures(folder: Path, names: list[str]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (8, 16)).save(folder / name)
    return names


def labels(k: int) -> np.ndarray:
    return np.random.default_rng(k).integers(0, 2, (N, k)).astype(np.uint8)


def peta(root: Path) -> np.ndarray:
    pictures(root / "images", [f"{i:05}.png" for i in range(1, N + 1)])
    wanted = labels(105)
    split = {"train": np.array([[1], [2], [4]]), "val": np.array([[3]]), "test": np.array([[5], [6]])}
    content = {
        "data": np.concatenate([np.zeros((N, 4), np.uint8), wanted], axis=1),
        "attribute": cells([f"attribute {i}" for i in range(105)]),
        "other": 0,
        "partition": cells([split] * 5),
    }
    scipy.io.savemat(root / "PETA.mat", {"peta": content})
    return wanted[:, :35]


def rapv2(root: Path) -> np.ndarray:
    names = pictures(root / "RAP_dataset", [f"CAM01_{i}.png" for i in range(N)])
    everything = labels(152)
    everything[0, 9] = 2  # uncertain
    chosen = np.arange(10, 64)
    split = {"train_index": np.array([[1, 2, 4]]), "val_index": np.array([[3]]), "test_index": np.array([[5, 6]])}
    content = {
        "name": cells(list(names)),
        "attribute": cells([f"attribute {i}" for i in range(152)]),
        "data": everything,
        "selected_attribute": chosen[None],
        "partition_attribute": cells([split] * 5, wide=True),
    }
    (root / "RAP_annotation").mkdir()
    scipy.io.savemat(root / "RAP_annotation" / "RAP_annotation.mat", {"RAP_annotation": content})
    wanted = everything[:, chosen - 1].copy()
    wanted[wanted == 2] = 0
    return wanted


def pa100k(root: Path) -> np.ndarray:
    names = pictures(root / "data", [f"{i:06}.jpg" for i in range(1, N + 1)])
    wanted = labels(26)
    parts = {"train": slice(0, 3), "val": slice(3, 4), "test": slice(4, 6)}
    content: dict[str, object] = {"attributes": cells([f"attribute {i}" for i in range(26)])}
    for part, rows in parts.items():
        content |= {f"{part}_images_name": cells(list(names[rows])), f"{part}_label": wanted[rows]}
    scipy.io.savemat(root / "annotation.mat", content)
    return wanted


@pytest.mark.parametrize(("name", "write", "k", "train"), [("peta", peta, 35, 3), ("rapv2", rapv2, 54, 3), ("pa100k", pa100k, 26, 3)])
def test_labels_and_split_are_read_as_published(tmp_path: Path, name: str, write: Callable[[Path], np.ndarray], k: int, train: int) -> None:
    wanted = write(tmp_path)
    found = read_attribute_set(name, tmp_path)
    assert len(found.attributes) == k
    assert np.array_equal(np.array([person.labels for person in found.people]), wanted)
    assert {part: len(rows) for part, rows in found.parts.items()} == {"train": train, "val": 1, "test": 2}
    assert sorted(row for rows in found.parts.values() for row in rows) == list(range(N))


@pytest.mark.parametrize(("name", "write"), [("peta", peta), ("rapv2", rapv2), ("pa100k", pa100k)])
def test_a_missing_picture_is_named(tmp_path: Path, name: str, write: Callable[[Path], np.ndarray]) -> None:
    write(tmp_path)
    gone = next(path for path in sorted(tmp_path.rglob("*")) if path.suffix in (".png", ".jpg"))
    gone.unlink()
    with pytest.raises(BadConfigError, match=gone.name):
        read_attribute_set(name, tmp_path)


def test_what_is_not_as_published_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match=r"annotation.mat is missing"):
        read_attribute_set("pa100k", tmp_path)
    scipy.io.savemat(tmp_path / "annotation.mat", {"something": 1})
    with pytest.raises(BadConfigError, match="has no 'attributes'; it has: something"):
        read_attribute_set("pa100k", tmp_path)
    scipy.io.savemat(tmp_path / "annotation.mat", {"attributes": cells(["a"]), "train_images_name": cells(["x.jpg"])})
    with pytest.raises(BadConfigError, match="not laid out as published"):
        read_attribute_set("pa100k", tmp_path)
    with pytest.raises(BadConfigError, match="there are: peta, rapv2"):
        read_attribute_set("imagenet", tmp_path)


@pytest.mark.data
def test_the_real_market_labels_go_with_photographs_by_identity(tmp_path: Path, data_dir: Path) -> None:
    shutil.copy(data_dir / "market1501_attribute" / "market_attribute.mat", tmp_path)
    pictures(tmp_path / "bounding_box_train", ["0002_c1s1_000451_03.jpg", "0002_c2s1_000301_01.jpg", "0007_c1s6_028546_01.jpg"])
    pictures(tmp_path / "bounding_box_test", ["-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg", "0001_c1s1_001051_00.jpg"])
    found = read_attribute_set("market1501", tmp_path)
    assert found.identities == ("0002", "0002", "0007", "0001")
    assert found.parts == {"train": (0, 1, 2), "test": (3,)}
    assert len(found.attributes) == 30  # 26 of yes or no, four ages
    real = scipy.io.loadmat(data_dir / "market1501_attribute" / "market_attribute.mat", simplify_cells=True)["market_attribute"]["train"]
    column = found.attributes.index("backpack")
    assert found.people[0].labels[column] == float(real["backpack"][list(real["image_index"]).index("0002")] == 2)
