"""Evaluations on small data sets that are written here in exactly the published formats."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.datasets.merged_labels import NAMES, labelled_people
from par_core.datasets.outlines import boxed_photos, outlined_photos, read_photo
from par_core.errors import BadConfigError
from par_core.studies.evaluation import EvaluationRequest, evaluate
from tests.indexing import FAKE
from tests.pictures import RGB, save, scene

CCP = ("null", "hat", "bag", "dress", "coat", "hair", "skin")


def label_map(image: np.ndarray, *colours: str) -> np.ndarray:
    return sum(
        (np.all(image == RGB[name], axis=2) * np.uint8(number) for number, name in enumerate(colours, 1)),
        start=np.zeros(image.shape[:2], np.uint8),
    )


@pytest.fixture
def pennfudan(tmp_path: Path) -> Path:
    for number, colours in enumerate([("red",), ("green", "blue"), ("yellow", "cyan", "red")]):
        image = scene(*colours, seed=number)
        save(tmp_path / "pennfudan" / "PNGImages" / f"Fudan{number:05d}.png", image)
        save(tmp_path / "pennfudan" / "PedMasks" / f"Fudan{number:05d}_mask.png", label_map(image, *colours))
    return tmp_path


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    root = tmp_path / "coco_people"
    for part in ("images", "polygons", "boxes"):
        (root / part).mkdir(parents=True)
    for number in range(3):
        image = scene("red") if number < 2 else scene()
        save(root / "images" / f"{number:012d}.jpg", image)
        if number == 0:
            inside = np.all(image == RGB["red"], axis=2)
            ys, xs = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            corners = [
                (x / image.shape[1], y / image.shape[0])
                for x, y in [(xs[0], ys[0]), (xs[-1], ys[0]), (xs[-1], ys[-1]), (xs[0], ys[-1])]
            ]
            (root / "polygons" / f"{number:012d}.txt").write_text(
                "1 " + " ".join(f"{value:.6f}" for corner in corners for value in corner) + "\n"
            )
    return tmp_path


@pytest.fixture
def mit(tmp_path: Path) -> Path:
    for number in range(24):
        name = (
            f"{number:05d}_{'female' if number % 3 == 0 else 'male'}_{'fore' if number % 2 else 'back'}.jpg"
        )
        save(
            tmp_path / "mit_pedestrian" / name,
            cv2.resize(scene("red" if number % 3 == 0 else "blue", seed=number), (64, 128)),
        )
    return tmp_path


@pytest.fixture
def ccp(tmp_path: Path) -> Path:
    root = tmp_path / "ccp"
    for kind in ("pixel-level", "image-level"):
        (root / "annotations" / kind).mkdir(parents=True)
    names = list(
        dict.fromkeys(
            ("null", "hair", "skin", *(label for attribute in ATTRIBUTES for label in attribute.ccp))
        )
    )
    scipy.io.savemat(root / "label_list.mat", {"label_list": np.array([names], dtype=object)})
    for number in range(4):
        save(root / "photos" / f"{number:04d}.jpg", scene("red", seed=number))
    pixels = np.zeros((96, 80), np.uint8)
    pixels[20:80, 20:40] = names.index("dress")
    scipy.io.savemat(root / "annotations" / "pixel-level" / "0000.mat", {"groundtruth": pixels})
    scipy.io.savemat(
        root / "annotations" / "pixel-level" / "0001.mat", {"groundtruth": np.zeros_like(pixels)}
    )
    for number in (2, 3):
        scipy.io.savemat(
            root / "annotations" / "image-level" / f"{number:04d}.mat",
            {"tags": np.array([names.index("hat"), names.index("coat")])},
        )
    return tmp_path


def test_people_that_are_outlined_exactly_are_found_exactly(pennfudan: Path) -> None:
    scores = evaluate(EvaluationRequest("segmentation", "pennfudan", pennfudan), FAKE)
    assert (scores["mask_ap"], scores["box_ap50"], scores["precision"], scores["recall"]) == (
        1.0,
        1.0,
        1.0,
        1.0,
    )
    assert (scores["images"], scores["people"]) == (3, 6)
    assert json.loads(json.dumps(scores, allow_nan=False))["about"]["dataset"] == "pennfudan"


def test_a_person_that_is_missed_costs_recall(pennfudan: Path) -> None:
    mask = pennfudan / "pennfudan" / "PedMasks" / "Fudan00000_mask.png"
    labels = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    labels[:20, :20] = 2  # a person that the models cannot see
    cv2.imwrite(str(mask), labels)
    scores = evaluate(EvaluationRequest("segmentation", "pennfudan", pennfudan), FAKE)
    assert scores["recall"] == pytest.approx(6 / 7)
    assert scores["precision"] == 1.0


def test_coco_counts_people_found_in_pictures_without_people(coco: Path) -> None:
    assert [photo.image.stem for photo in outlined_photos("coco", coco)] == ["000000000000"]
    scores = evaluate(EvaluationRequest("segmentation", "coco", coco), FAKE)
    assert (scores["images"], scores["empty_images"], scores["false_people_per_empty_image"]) == (1, 2, 0.5)
    assert scores["mask_ap50"] == pytest.approx(1.0)


def test_people_with_boxes_only_are_distinguished_and_drawn(coco: Path, tmp_path: Path) -> None:
    from par_core.models.segmenter_settings import COMPACT_SETTINGS
    from par_core.models.torch_runtime import TorchRuntime
    from par_core.models.torch_segmenter import compact_network, segmenter_of
    from par_core.training.drawn_masks import draw_masks

    (coco / "coco_people" / "boxes" / "000000000001.txt").write_text(
        "0 0.5 0.5 0.25 0.5\n56 0.1 0.1 0.1 0.1\n0 0.1 0.5 0.2 1.0\n"
    )
    (boxed,) = boxed_photos(coco)
    height, width = cv2.imread(str(boxed.image)).shape[:2]
    assert boxed.image.stem == "000000000001"
    assert boxed.boxes.tolist() == pytest.approx(
        np.array([[0.375, 0.25, 0.625, 0.75], [0, 0, 0.2, 1]]) * [width, height, width, height]
    )
    assert [photo.image.stem for photo in outlined_photos("empty", coco)] == ["000000000002"]
    segmenter = segmenter_of(compact_network(), COMPACT_SETTINGS, "", "compact", TorchRuntime())
    (photo,) = draw_masks(segmenter, [boxed], tmp_path / "drawn")
    labels = read_photo(photo)[1]
    assert labels.shape == (height, width)
    assert set(np.unique(labels)) <= {0, 1, 2}


def test_ccp_gives_outlines_and_labels(ccp: Path) -> None:
    (photo,) = outlined_photos("ccp", ccp)  # the empty map is passed over
    assert read_photo(photo)[1].sum() == 60 * 20
    people = {
        person.image.stem: dict(zip(NAMES, person.labels, strict=True))
        for person in labelled_people("ccp", ccp)
    }
    assert people["0000"]["dress"] == 1
    assert people["0000"]["hat"] == 0
    assert people["0002"]["hat"] == people["0002"]["coat_or_jacket"] == 1
    assert np.isnan(people["0002"]["front"])


def test_queries_are_scored_against_the_prevalence_of_what_they_ask_for(mit: Path) -> None:
    scores = evaluate(EvaluationRequest("retrieval", "mit", mit / "mit_pedestrian"), FAKE)
    assert scores["queries"]["a woman"]["prevalence"] == pytest.approx(1 / 3)
    assert scores["queries"]["a person seen from behind"]["n"] == 24
    ratios = [query["ap_over_prevalence"] for query in scores["queries"].values()]
    assert scores["mean_ap_over_prevalence"] == pytest.approx(np.mean(ratios))
    assert scores["found"] == 24


def test_attributes_that_the_models_lack_or_the_data_set_does_not_label_are_left_out(mit: Path) -> None:
    scores = evaluate(EvaluationRequest("attributes", "mit", mit), FAKE)
    assert scores["attributes"] == {}
    assert scores["mean_auc"] is None


@pytest.mark.parametrize(
    ("kind", "dataset", "message"),
    [
        ("segmentation", "mit", "only on: pennfudan"),
        ("colour", "ccp", "there are: segmentation"),
        ("attributes", "ccp", "holds no ccp"),
    ],
)
def test_what_cannot_be_evaluated_is_said_plainly(
    tmp_path: Path, kind: str, dataset: str, message: str
) -> None:
    with pytest.raises(BadConfigError, match=message):
        evaluate(EvaluationRequest(kind, dataset, tmp_path), FAKE)


def test_the_command_prints_a_table_and_writes_json(pennfudan: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "scores.json"
    done = CliRunner().invoke(
        app,
        [
            "evaluate",
            "segmentation",
            "--dataset",
            "pennfudan",
            "--root",
            str(pennfudan),
            "--profile",
            "fake",
            "--json",
            str(out),
        ],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    assert "mask_ap50" in done.output
    assert json.loads(out.read_text())["mask_ap50"] == 1.0
