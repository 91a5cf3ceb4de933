"""``par datasets``: what it tells of good and of damaged copies."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from flows.cli.main import app, main
from par_core.datasets.attribute_sets import ATTRIBUTE_SETS
from par_core.datasets.catalogue import DATASETS
from par_core.datasets.checking import check_outlines
from tests.published import open_images, pa100k, peta_folders, pictures, rapv2

ROOT = Path(__file__).parents[3]


def checked(*arguments: object, code: int) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["datasets", "check", *map(str, arguments), "--json"])
    assert done.exit_code == code, done.output
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_all_that_can_be_read_is_listed_and_described() -> None:
    listed = json.loads(CliRunner().invoke(app, ["datasets", "list", "--json"]).stdout)
    assert {each["name"] for each in listed if "attributes" in each["kinds"]} == set(ATTRIBUTE_SETS)
    text = CliRunner().invoke(app, ["datasets", "list"]).stdout
    page = (ROOT / "docs" / "datasets.md").read_text()
    for each in DATASETS:
        assert f"\n{each.name} " in f"\n{text}"
        assert each.terms in text
        assert f"`{each.name}`" in page


def test_counts_prevalence_and_shared_people_are_reported(tmp_path: Path) -> None:
    wanted = rapv2(tmp_path)
    attributes = checked("rapv2", tmp_path, "--split", 1, code=0)["attributes"]
    assert attributes["parts"] == {"train": 3, "val": 1, "test": 2}
    assert list(attributes["prevalence"].values()) == pytest.approx(list(wanted.mean(axis=0)))
    assert attributes["identities"] == {
        "people": 4,
        "images": 5,
        "shared": {"train and val": 0, "train and test": 1, "val and test": 0},
        "test_seen": 0.5,
    }
    text = CliRunner().invoke(app, ["datasets", "check", "rapv2", str(tmp_path), "--split", "1"]).stdout
    assert "6 people, train 3, val 1, test 2" in text
    assert "identities: 4 on 5 images; 0 in train and val; 1 in train and test" in text
    assert "test images that show somebody of train: 50.0%" in text
    assert text.endswith("no problems\n")


def test_without_identities_no_shared_people_are_reported(tmp_path: Path) -> None:
    rapv2(tmp_path, people=(-1, -1))
    assert checked("rapv2", tmp_path, code=0)["attributes"]["identities"] is None


def test_in_the_split_by_people_no_person_of_test_is_in_train(tmp_path: Path) -> None:
    attributes = checked("peta", peta_folders(tmp_path), "--split", "zs", code=0)["attributes"]
    assert attributes["people"] == 29
    assert set(attributes["identities"]["shared"].values()) == {0}
    assert attributes["identities"]["test_seen"] == 0


def test_damage_is_reported_and_the_exit_code_is_1(tmp_path: Path) -> None:
    pa100k(tmp_path)
    (tmp_path / "data" / "000002.jpg").write_text("no picture")
    assert checked("pa100k", tmp_path, code=1)["problems"] == [
        f"{tmp_path / 'data' / '000002.jpg'} is no picture (UnidentifiedImageError)"
    ]
    (tmp_path / "data" / "000002.jpg").unlink()
    (problem,) = checked("pa100k", tmp_path, code=1)["problems"]
    assert problem.endswith("pictures that are not there: " + str(tmp_path / "data" / "000002.jpg"))
    text = CliRunner().invoke(app, ["datasets", "check", "pa100k", str(tmp_path)]).stdout
    assert text.startswith("1 problem\n  pa100k: the labels name")  # and no counts of what could not be read


def test_boxes_outside_of_their_picture_are_problems(tmp_path: Path) -> None:
    pictures(tmp_path, ["a.jpg"], (40, 30))
    rows = "".join(f"a.jpg,{x},0,{x + 9},20,1,\n" for x in (0, 40, *range(50, 62)))
    (tmp_path / "labels.csv").write_text("image,x1,y1,x2,y2,hat,bag\n" + rows)
    report = checked("csv", tmp_path, code=1)
    assert len(report["problems"]) == 13
    assert report["problems"][0].startswith("row 2: the box [40.0, 0.0, 49.0, 20.0] lies outside of")
    assert report["attributes"]["prevalence"] == {"hat": 1.0, "bag": None}
    text = CliRunner().invoke(app, ["datasets", "check", "csv", str(tmp_path)]).stdout
    assert "nobody labelled" in text
    assert text.endswith("and 3 more\n")


def test_boxes_count_in_the_upright_picture(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=turned)
    (tmp_path / "labels.csv").write_text("image,x1,y1,x2,y2,hat\na.jpg,1,35,9,40,1\na.jpg,35,1,40,9,1\n")
    (problem,) = checked("csv", tmp_path, code=1)["problems"]
    assert problem.startswith("row 2: ")
    assert problem.endswith("(30 x 40)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["imagenet", "."], "no data set 'imagenet'; there are: peta"),
        (["peta", "nowhere"], "nowhere is not there"),
        (["peta", ".", "--split", "first"], "--split wants a number from 0, or zs, got 'first'"),
        (["pa100k", ".", "--split", "3"], "pa100k has no split 3; there are: 0"),
    ],
)
def test_wrong_settings_are_one_line_and_exit_code_2(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["par", "datasets", "check", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_outlines_in_either_form_of_coco_are_counted(tmp_path: Path) -> None:
    for name in ("images", "polygons", "boxes"):
        (tmp_path / name).mkdir()
    for name in ("a", "b", "c"):
        Image.new("RGB", (40, 30)).save(tmp_path / "images" / f"{name}.jpg")
    (tmp_path / "polygons" / "a.txt").write_text("1 0.1 0.1 0.4 0.1 0.4 0.9\n1 0.6 0.1 0.9 0.1 0.9 0.9\n")
    (tmp_path / "polygons" / "b.txt").write_text("1 0.1 0.1 0.4 0.1 0.4 0.9\n")
    outlines = checked("coco", tmp_path, code=0)["outlines"]
    assert outlines == {"photographs": 3, "without_people": 1, "decoded": 3, "people": 3}
    (tmp_path / "images" / "b.jpg").write_text("no picture")
    (problem,) = checked("coco", tmp_path, code=1)["problems"]
    assert "b.jpg cannot be read with its outlines" in problem
    square = [5, 5, 15, 5, 15, 25, 5, 25]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": [square]}],
        "categories": [{"id": 1, "name": "person"}],
    }
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_images.json").write_text(json.dumps(content))
    outlines = checked("coco", tmp_path, code=0)["outlines"]
    assert outlines == {"photographs": 1, "without_people": 0, "decoded": 1, "people": 1}


def test_of_many_photographs_some_are_read_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("par_core.datasets.checking._DECODED", 2)
    for name in ("PNGImages", "PedMasks"):
        (tmp_path / name).mkdir()
    for i in range(5):
        Image.new("RGB", (8, 8)).save(tmp_path / "PNGImages" / f"{i}.png")
        Image.new("L", (8, 8), i).save(tmp_path / "PedMasks" / f"{i}_mask.png")
    outlines = check_outlines("pennfudan", tmp_path)
    assert (outlines.photographs, outlines.decoded, outlines.people) == (5, 2, 1)


def test_of_open_images_that_is_checked_which_is_there(tmp_path: Path) -> None:
    pictures(tmp_path / "images", ["a.jpg"], (40, 20))
    assert len(checked("openimages", tmp_path, code=1)["problems"]) == 2
    open_images(tmp_path, [("a", "/m/03bt1vf", "0.25", "0.5", "0.1", "0.9", "0", "0")])
    report = checked("openimages", tmp_path, code=0)
    assert report["attributes"]["people"] == 1
    assert "outlines" not in report
    (tmp_path / "train-annotations-object-segmentation.csv").write_text("MaskPath\n")
    assert "has no column 'ImageID'" in checked("openimages", tmp_path, code=1)["problems"][0]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "folder"),
    [
        pytest.param("ccp", "ccp", marks=pytest.mark.slow),
        ("mit", "mit_pedestrian"),
        ("pennfudan", "pennfudan"),
        ("coco", "coco_people"),
    ],
)
def test_the_research_data_are_without_problems(data_dir: Path, name: str, folder: str) -> None:
    assert checked(name, data_dir / folder, code=0)["problems"] == []
