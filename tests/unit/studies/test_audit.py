"""``par audit`` on small data sets that are written here in the published formats, with the ``fake`` profile,
which sees colours.
"""

import csv
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.config import ArchiveConfig
from par_core.datasets.labelled_set import AttributeSet, assemble
from par_core.errors import BadConfigError, BadInputError
from par_core.evaluate.audit.suspects import Suspect, features_of, read_audited
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.predictions.tables import PredictedPeople
from par_core.reports.audit_sheet import COLUMNS, write_sheet, write_suspects
from par_core.types import Descriptions
from tests.indexing import FAKE
from tests.pictures import save, scene

N = 60
WRONG = 13  # labelled male, though she wears red as all women here do


def person(red: bool, seed: int) -> np.ndarray:
    return cv2.resize(scene("red" if red else "blue", seed=seed), (64, 128))


@pytest.fixture
def mit(tmp_path: Path) -> Path:
    """Women wear red, men blue, but for one whose label is wrong; orientation is written at random, and
    nothing shows it.
    """
    rng = np.random.default_rng(0)
    for number in range(N):
        woman = number % 3 == 0
        name = f"{number:05d}_{'female' if woman else 'male'}_{'fore' if rng.random() < 0.5 else 'back'}.jpg"
        save(tmp_path / "data" / "mit_pedestrian" / name, person(woman or number == WRONG, number))
    return tmp_path / "data"


@pytest.fixture
def boxed(tmp_path: Path) -> Path:
    """Photographs of two people each, in red and in blue; the labels say who wears red, one wrongly."""
    rows = ["image,x1,y1,x2,y2,identity,red coat"]
    for number in range(20):
        save(tmp_path / "boxed" / f"{number:04d}.png", scene("red", "blue", seed=number))
        for column, red in enumerate((True, False)):
            label = int(red) if (number, red) != (4, False) else 1
            left = 25 + 40 * column
            rows.append(f"{number:04d}.png,{left},25,{left + 30},95,{'ann' if number < 3 else ''},{label}")
    (tmp_path / "boxed" / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "boxed"


def audit(*arguments: object) -> Result:
    return CliRunner().invoke(
        app, ["audit", *map(str, arguments), "--profile", "fake"], catch_exceptions=False
    )


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "audit.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("where", [".", "mit_pedestrian"])
def test_the_wrong_label_is_the_most_suspicious_one(mit: Path, tmp_path: Path, where: str) -> None:
    done = audit(
        "--dataset", "mit", "--root", mit / where, "--out", tmp_path / "out", "--attribute", "female"
    )
    assert done.exit_code == 0
    first, *others = rows_of(tmp_path / "out")
    assert Path(first["image"]).name.startswith(f"{WRONG:05d}_male")
    assert Path(first["image"]).is_file()
    assert (first["rank"], first["attribute"], first["label"]) == ("1", "female", "0")
    assert float(first["probability"]) > 0.5
    assert float(first["margin"]) == pytest.approx(1 - 2 * float(first["probability"]), abs=1e-5)
    assert not [row for row in others if float(row["margin"]) < 0]
    assert "listed" in done.output


def test_the_record_says_what_was_counted_and_with_what(mit: Path, tmp_path: Path) -> None:
    assert audit("--dataset", "mit", "--root", mit, "--out", tmp_path / "out", "--seed", 3).exit_code == 0
    record = json.loads((tmp_path / "out" / "audit.json").read_text())
    listed = rows_of(tmp_path / "out")
    assert record["counts"] == {"people": N, "labels": 2 * N, "audited": 2 * N, "listed": len(listed)}
    female = record["attributes"]["female"]
    assert (female["labelled"], female["positive"], female["audited"]) == (N, 20, N)
    assert female["listed"] == sum(row["attribute"] == "female" for row in listed)
    assert 0 < female["noise_rate"] < 0.2
    about = record["about"]
    assert (about["folds"], about["seed"], about["features"], about["people_grouped_by"]) == (
        5,
        3,
        8,
        {"image": N},
    )
    assert about["fingerprints"]["describer"] == "fake-describer-1"
    assert {"command", "machine", "versions", "date", "par"} <= set(about)


def test_the_contact_sheet_shows_the_first_of_the_listed(mit: Path, tmp_path: Path) -> None:
    audit("--dataset", "mit", "--root", mit, "--out", tmp_path / "out", "--top", 2)
    page = (tmp_path / "out" / "audit.html").read_text()
    assert len(rows_of(tmp_path / "out")) > 2
    assert page.count("data:image/jpeg;base64,") == 2
    assert f"{WRONG:05d}_male" in page


def test_people_of_boxes_are_cut_out_and_distinguished(boxed: Path, tmp_path: Path) -> None:
    assert audit("--dataset", "csv", "--root", boxed, "--out", tmp_path / "out").exit_code == 0
    first, *_ = rows_of(tmp_path / "out")
    assert (first["image"], first["attribute"], first["label"]) == (str(boxed / "0004.png"), "red coat", "1")
    assert [first[side] for side in ("x1", "y1", "x2", "y2")] == ["65", "25", "95", "95"]
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["about"]["people_grouped_by"] == {
        "identity": 6,
        "image": 34,
    }


def test_people_of_one_identity_or_one_picture_are_one_group(boxed: Path) -> None:
    save(boxed / "0019.png", scene("red", "blue", seed=18))  # the same photograph under two names
    groups = read_audited("csv", boxed, ()).groups
    assert len(set(groups[:6])) == 1
    assert groups[6] == groups[7] != groups[8]
    assert groups[36] == groups[39]
    assert len(set(groups)) == 1 + 17 - 1


def test_a_test_counts_planted_labels_and_writes_no_findings(mit: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = audit(
        "--dataset",
        "mit",
        "--root",
        mit,
        "--out",
        out,
        "--attribute",
        "female",
        "--plant",
        "0.05",
        "--seed",
        "0",
    )
    assert done.exit_code == 0
    assert "turned round on purpose" in done.output
    assert [file.name for file in out.iterdir() if file.is_file()] == ["planted.json"]
    record = json.loads((out / "planted.json").read_text())
    assert "nothing here is a finding" in record["what"]
    assert (
        record["known"],
        record["planted"],
        record["looked"],
        record["first"],
        record["about"]["seed"],
    ) == (
        N,
        3,
        3,
        0.05,
        0,
    )
    assert record["chance"] == pytest.approx(0.05)
    assert record["found"] >= 2  # one place may be taken by the label that was wrong before
    assert record["attributes"]["female"]["found"] == record["found"]
    assert ".jpg" not in (out / "planted.json").read_text()


def test_attributes_of_too_few_people_are_named_with_the_reason(boxed: Path, tmp_path: Path) -> None:
    text = (boxed / "labels.csv").read_text().splitlines()
    (boxed / "labels.csv").write_text(
        "\n".join([f"{text[0]},scarf", *(f"{line},{int(i < 2)}" for i, line in enumerate(text[1:]))])
    )
    done = audit("--dataset", "csv", "--root", boxed, "--out", tmp_path / "out")
    assert "too few people with or without it" in done.output
    attributes = json.loads((tmp_path / "out" / "audit.json").read_text())["attributes"]
    assert attributes["scarf"]["audited"] == attributes["scarf"]["listed"] == 0
    assert attributes["red coat"]["audited"] == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "mit", "--attribute", "beard"], "does not label 'beard'; it labels: female, front"),
        (["--dataset", "moon"], "no data set 'moon'"),
        (["--dataset", "ccp"], "holds no ccp"),
        (["--dataset", "mit", "--plant", "0.7"], "between 0 and 0.5"),
    ],
)
def test_wrong_settings_are_refused_before_the_work_and_write_nothing(
    mit: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(BadConfigError, match=message):  # main() makes exit code 2 of it
        audit(*arguments, "--root", mit, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_for_results_is_refused_before_the_work(
    mit: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("mine")
    for more in ([], ["--plant", "0.02"]):
        with pytest.raises(BadConfigError, match="is a file, not a folder"):
            audit("--dataset", "mit", "--root", mit, "--out", tmp_path / "out", *more)
    assert (tmp_path / "out").read_text() == "mine"


def test_too_few_people_for_the_folds_are_a_wrong_setting(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"{number:05d}_male_fore.jpg", person(False, number))
    with pytest.raises(BadConfigError, match="5 folds need as many groups of people, got 4"):
        read_audited("mit", tmp_path, ())


def test_a_picture_that_cannot_be_read_fails_the_audit_and_is_named(mit: Path, tmp_path: Path) -> None:
    (mit / "mit_pedestrian" / "00099_male_fore.jpg").write_bytes(b"no picture")
    with pytest.raises(BadInputError, match=r"00099_male_fore\.jpg"):  # main() makes exit code 3 of it
        audit("--dataset", "mit", "--root", mit, "--out", tmp_path / "out")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def test_hostile_names_stay_text_and_the_sheet_asks_for_nothing(tmp_path: Path) -> None:
    names = [
        "<script>alert(1).png",
        '"onerror="alert(2).png',
        "{{ 7 * 7 }}.png",
        os.fsdecode(b"\xff\xfe.png"),
        "gone.png",
    ]
    data = replace(named(tmp_path, [tmp_path / name for name in names]), name="<b>set</b>")
    images = [person.image for person in data.people]
    for image in images[:-1]:
        save(tmp_path / "plain.png", person(True, 0)).replace(image)
    suspects = [Suspect(i + 1, i, "<img src=x>", True, 0.25, -0.5) for i in range(5)]
    write_sheet(
        tmp_path / "audit.html", "5 of 5", suspects, data, images, {"command": "par <i>"}, ArchiveConfig()
    )
    page = (tmp_path / "audit.html").read_bytes().decode()
    tags = Tags()
    tags.feed(page)
    assert {tag for tag, _ in tags.elements} <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "header",
            "main",
            "h1",
            "p",
            "ol",
            "li",
            "div",
            "img",
            "span",
            "b",
        ),
        *("details", "summary", "footer", "dl", "dt", "dd"),
    }
    sources = [attrs["src"] for tag, attrs in tags.elements if tag == "img"]
    assert len(sources) == 4
    assert all(source and source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not [
        attrs for _, attrs in tags.elements if any(name.startswith("on") or name == "href" for name in attrs)
    ]
    assert not re.search(r"https?:|url\(|@import", page)
    assert "{{ 7 * 7 }}.png" in page
    assert "\\udcff\\udcfe.png" in page
    assert "no picture" in page
    policy = next(
        attrs["content"]
        for tag, attrs in tags.elements
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_the_csv_names_every_file_exactly(tmp_path: Path) -> None:
    names = [os.fsdecode(b"\xff\xfe.png"), 'comma, "quote"\nline.png']
    suspects = [Suspect(1, 0, "hat", True, 0.25, -0.5), Suspect(2, 1, "hat", False, 0.5, 0.0)]
    write_suspects(tmp_path / "audit.csv", suspects, named(tmp_path, [Path(name) for name in names]))
    with (tmp_path / "audit.csv").open(newline="", errors="surrogateescape") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert rows == [
        ["1", names[0], "hat", "1", "0.250000", "-0.500000", *[""] * 4],
        ["2", names[1], "hat", "0", "0.500000", "0.000000", *[""] * 4],
    ]


def test_a_person_without_a_box_has_no_box_in_the_csv(boxed: Path, tmp_path: Path) -> None:
    text = (boxed / "labels.csv").read_text()
    (boxed / "labels.csv").write_text(text.replace("0004.png,65,25,95,95", "0004.png,,,,"))
    data = read_audited("csv", boxed, ()).data
    write_suspects(
        tmp_path / "audit.csv",
        [Suspect(1, 9, "red coat", True, 0.25, -0.5), Suspect(2, 8, "red coat", True, 0.25, -0.5)],
        data,
    )
    without, with_box = rows_of(tmp_path)
    assert [without[side] for side in COLUMNS[-4:]] == [""] * 4
    assert [with_box[side] for side in COLUMNS[-4:]] == ["25", "25", "55", "95"]


def test_features_take_the_mean_where_a_person_has_no_answer_and_leave_out_what_nobody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nan = np.nan
    probabilities = np.array([[0.5, nan, 1.0, nan], [0.5, 0.5, 0.0, nan]], np.float32)
    descriptions = Descriptions(np.ones((2, 3), np.float32), probabilities)
    predicted = PredictedPeople(
        descriptions, np.full((2, 4), nan, np.float32), ("a", "b", "c", "d"), (0.5, 0.5, 0.5, 0.5)
    )
    monkeypatch.setattr(PredictionCache, "people", lambda *_: [predicted])
    features = features_of([], FAKE, PredictionCache(tmp_path, compute_here))
    assert features.shape == (2, 3 + 3)
    assert features[0, 3:].tolist() == pytest.approx([0, 0, np.log(9999)], rel=1e-3)
    assert features[1, 3:].tolist() == pytest.approx([0, 0, -np.log(9999)], rel=1e-3)


def named(folder: Path, images: list[Path]) -> AttributeSet:
    """A data set whose pictures have any names."""
    return assemble("csv", folder, ["hat"], images, np.ones((len(images), 1)))
