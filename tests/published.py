"""Small data sets of people with attributes, written in exactly the format that each is published in.
Pictures are tiny; labels are drawn.
"""

import csv
import json
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

from par_core.datasets.msp60k import MSP60K_ATTRIBUTES
from par_core.datasets.peta import PETA_FOLDERS
from par_core.datasets.upar import UPAR_ATTRIBUTES

N = 6  # images of each data set


def cells(values: list[object], *, wide: bool = False) -> np.ndarray:
    """A MATLAB cell array, a column unless ``wide``."""
    column = np.empty((len(values), 1), object)
    for i, value in enumerate(values):
        column[i, 0] = value
    return column.T if wide else column


def pictures(folder: Path, names: list[str], size: tuple[int, int] = (8, 16)) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", size).save(folder / name)
    return names


def labels(k: int) -> np.ndarray:
    return np.random.default_rng(k).integers(0, 2, (N, k)).astype(np.uint8)


def turned(number: int) -> np.ndarray:
    """Images by MATLAB's count, in another order for every split."""
    return np.roll(np.arange(1, N + 1), -number)


def peta(root: Path) -> np.ndarray:
    pictures(root / "images", [f"{i:05}.png" for i in range(1, N + 1)])
    wanted = labels(105)
    splits: list[object] = [
        {"train": turned(i)[:3, None], "val": turned(i)[3:4, None], "test": turned(i)[4:, None]}
        for i in range(5)
    ]
    content = {
        "data": np.concatenate([np.full((N, 4), 7, np.uint8), wanted], axis=1),
        "attribute": cells([f"attribute {i}" for i in range(105)]),
        "other": 0,
        "partition": cells(splits),
    }
    scipy.io.savemat(root / "PETA.mat", {"peta": content})
    return wanted[:, :35]


def peta_folders(root: Path) -> Path:
    """The archive as its authors publish it: in each folder one person on two pictures and one on one; in
    CUHK a line is about a picture.
    """
    for name in PETA_FOLDERS:
        archive = root / "PETA dataset" / name / "archive"
        if name == "CUHK":
            pictures(archive, ["0001001.png", "0001002.png"])
            lines = ["0001001.png personalMale upperBodyBlack", "0001002.png personalFemale footwearSneakers"]
        else:
            pictures(archive, ["0001_1_FRAME_25_RGB.bmp", "0001_2.bmp", "2_1.jpg"])
            lines = [
                "0001 personalMale accessoryHat accessoryShawl",
                "2 personalFemale upperBodyTshirt hairLong",
            ]
        (archive / "Label.txt").write_text("\n".join(lines) + "\n")
    return root


def rapv1(root: Path) -> np.ndarray:
    names = pictures(root / "RAP_dataset", [f"CAM01-{i}.png" for i in range(N)])
    everything = labels(92)
    everything[1, 3] = 2  # uncertain
    splits: list[object] = [
        {"train_index": turned(i)[None, :4], "test_index": turned(i)[None, 4:]} for i in range(5)
    ]
    content = {
        "partion": cells(splits),
        "label": everything,
        "attribute_chinese": cells(["?"] * 92),
        "attribute_eng": cells([f"attribute {i}" for i in range(92)]),
        "position": np.zeros((N, 16)),
        "imagesname": cells(list(names)),
        "attribute_exp": cells(["?"] * 92),
    }
    (root / "RAP_annotation").mkdir()
    scipy.io.savemat(root / "RAP_annotation" / "RAP_annotation.mat", {"RAP_annotation": content})
    wanted = everything[:, :51].copy()
    wanted[wanted == 2] = 0
    return wanted


def rapv2(root: Path, people: tuple[int, ...] = (7, 7, 9, -1, 11, 13)) -> np.ndarray:
    names = pictures(root / "RAP_dataset", [f"CAM01_{i}.png" for i in range(N)])
    everything = labels(152)
    everything[0, 9] = 2  # uncertain
    chosen = np.arange(10, 64)
    splits: list[object] = [
        {
            "train_index": turned(i)[None, :3],
            "val_index": turned(i)[None, 3:4],
            "test_index": turned(i)[None, 4:],
        }
        for i in range(5)
    ]
    content = {
        "name": cells(list(names)),
        "data": everything,
        "attribute": cells(["Age46-60" if i == 13 else f"attribute {i}" for i in range(152)]),
        "selected_attribute": chosen[None],
        "partition_attribute": cells(splits, wide=True),
        "person_identity": np.array(people)[:, None],
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


def market1501(root: Path, hat: int = 2) -> None:
    content = {}
    for part, people in {"train": ["0002", "0007"], "test": ["0001", "0003"]}.items():
        pictures(
            root / f"bounding_box_{part}",
            [f"{who}_c1s1_00{i}451_03.jpg" for who in ("-1", "0000", *people) for i in (1, 2)],
        )
        columns = {
            "age": np.array([[2, 4]], np.uint8),
            "hat": np.array([[1, hat]], np.uint8),
            "gender": np.array([[2, 1]], np.uint8),
        }
        content[part] = {**columns, "image_index": cells(list(people), wide=True)}
    scipy.io.savemat(root / "market_attribute.mat", {"market_attribute": content})


def upar_csv(root: Path, *, headless: bool = False, later: bool = True) -> np.ndarray:
    """The files of the challenge; ``headless``: as in 2024, without the name of the first column."""
    names = ["PA100k/release_data/release_data/000001.jpg", "PETA/images/00001.png"]
    names += [f"Market1501/bounding_box_train/000{i}_c1s1_000451_03.jpg" for i in range(N - 2)]
    for name in names:
        pictures((root / name).parent, [Path(name).name])
    wanted = labels(40)
    head = ",".join([*([] if headless else ["image"]), *UPAR_ATTRIBUTES])
    rows = [f"{name},{','.join(map(str, row))}" for name, row in zip(names, wanted, strict=True)]
    train, val = root / "annotations/task1/train/gt.csv", root / "annotations/task1/val/gt.csv"
    files = {train: rows[:4], val: rows[4:]} if later else {root / "phase1/train/train.csv": rows}
    for file, lines in files.items():
        file.parent.mkdir(parents=True)
        file.write_text("\n".join([f"# {head}", *lines]) + "\n")
    return wanted


class EasyDict(dict[str, object]):
    """As of the package easydict, which pickles name: every item is an attribute too."""

    def __init__(self, **items: object) -> None:
        super().__init__(**items)
        self.__dict__.update(items)


EasyDict.__module__, EasyDict.__qualname__ = "easydict", "EasyDict"


def write_pickle(file: Path, content: object, protocol: int = 4) -> None:
    """Write a pickle that names the package easydict, which is not installed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    module = types.ModuleType("easydict")
    module.EasyDict = EasyDict  # type: ignore[attr-defined]
    sys.modules["easydict"] = module
    try:
        file.write_bytes(pickle.dumps(content, protocol))
    finally:
        del sys.modules["easydict"]


def upar_pickle(root: Path, protocol: int = 4) -> np.ndarray:
    names = [f"PETA/images/{i:05}.png" for i in range(1, 4)] + [f"RAP2/RAP_dataset/{i}.png" for i in range(3)]
    for name in names:
        pictures((root / name).parent, [Path(name).name])
    wanted = labels(40)
    partition = EasyDict(
        train=[[turned(i)[:2] - 1, turned(i)[2:3] - 1] for i in range(10)],
        val=[turned(i)[3:4] - 1 for i in range(10)],
        test=[[turned(i)[4:5] - 1, turned(i)[5:] - 1] for i in range(10)],
        trainval=[turned(i)[:4] - 1 for i in range(10)],
    )
    content = EasyDict(
        description="upar",
        root="datasets",
        image_name=names,
        attr_name=list(UPAR_ATTRIBUTES),
        label=wanted.astype(np.int64),
        dataset_ids=np.array([1, 1, 1, 2, 2, 2]),
        partition=partition,
    )
    write_pickle(root / "UPAR" / "dataset_all.pkl", content, protocol)
    return wanted


def msp60k(root: Path) -> np.ndarray:
    """The random split, and the two by scene: in split_1 the market is test, in split_2 the school."""
    names = pictures(root / "images", [f"part{i % 2}_{i}.jpg" for i in range(N)])
    wanted = labels(57)
    by_name = dict(zip(names, wanted.tolist(), strict=True))
    parts = {"train": names[:3], "val": names[3:4], "test": names[4:]}
    random = {part: {name: by_name[name] for name in listed} for part, listed in parts.items()}
    scenes = {"Market": names[:2], "School": names[2:]}
    split = {
        "split_1": {"trainval": ["School"], "test": ["Market"], "drop": []},
        "split_2": {"trainval": ["Market"], "test": ["School"], "drop": []},
    }
    (root / "random_split.json").write_text(json.dumps(random))
    (root / "merged_labels.json").write_text(json.dumps(by_name))
    (root / "Multi_Sences2.json").write_text(json.dumps({"split": split, "image_names": scenes}))
    return wanted


def msp60k_pickle(root: Path) -> np.ndarray:
    """What the authors' code makes of the second split by scene: trainval and test."""
    names = pictures(root / "images", [f"part{i % 2}_{i}.jpg" for i in range(N)])
    wanted = labels(57)
    content = EasyDict(
        description="msp_split_2",
        image_name=names,
        attributes=list(MSP60K_ATTRIBUTES),
        attr_words=np.array(MSP60K_ATTRIBUTES),
        label=wanted.astype(np.int64),
        sentences=dict.fromkeys(names, "A pedestrian"),
        partition=EasyDict(trainval=np.arange(4), test=np.arange(4, N)),
        weight_test=np.zeros(57, np.float32),
    )
    write_pickle(root / "msp_split_2_template.pkl", content)
    return wanted


def open_images(
    root: Path, rows: list[tuple[str, str, str, str, str, str, str, str]], part: str = "train"
) -> Path:
    """The boxes of Open Images. ``rows``: image, class, XMin, XMax, YMin, YMax, IsGroupOf, IsDepiction."""
    names = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf", "IsDepiction")
    columns = ["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax"]
    columns += ["IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside"]
    root.mkdir(exist_ok=True)
    file = root / f"{part}-annotations-bbox.csv"
    with file.open("w", newline="") as text:
        writer = csv.DictWriter(text, columns, restval="1")
        writer.writeheader()
        writer.writerows(dict(zip(names, row, strict=True)) for row in rows)
    return file


CAPTIONED = {
    "cuhk-pedes": ("reid_raw.json", "file_path", "cam_a/000{}.png"),
    "icfg-pedes": ("ICFG-PEDES.json", "file_path", "test/000{}/000{}_00{}.jpg"),
    "rstpreid": ("data_captions.json", "img_path", "000{}_c1_000{}.jpg"),
}


def captioned(root: Path, name: str) -> list[dict[str, object]]:
    """Three people on two pictures each: one of train, two of test; RSTPReid's entries have no tokens."""
    file, field, pattern = CAPTIONED[name]
    entries: list[dict[str, object]] = []
    for i in range(6):
        path = pattern.format(i, i, i)
        pictures((root / "imgs" / path).parent, [Path(path).name])
        captions = [f"A man with a red coat, number {i}.", f"He wears blue trousers, number {i}."]
        if name == "icfg-pedes":
            captions = captions[:1]
        entry = {"split": "train" if i < 2 else "test", "captions": captions, field: path, "id": i // 2 + 1}
        tokens = {} if name == "rstpreid" else {"processed_tokens": [text.split() for text in captions]}
        entries.append(entry | tokens)
    (root / file).write_text(json.dumps(entries))
    return entries
