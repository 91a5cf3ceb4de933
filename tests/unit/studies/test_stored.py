"""``par evaluate store``: labels of one's own against what was indexed, with the ``fake`` profile."""

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.datasets.csv_labels import read_csv_labels
from par_core.errors import BadConfigError, StoreError
from par_core.evaluate.items import AttributeItems
from par_core.evaluate.saved_run import read_run
from par_core.evaluate.stored.matching import join_labels, open_index
from par_core.evaluate.stored.scores import evaluate_store
from par_core.models.fake import FakeDescriber
from par_core.store.layout import Store
from par_core.studies.evaluation import EvaluationRequest, evaluate
from tests.indexing import FAKE, index
from tests.pictures import save, scene


def evaluate_command(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def labels(folder: Path, *rows: str) -> Path:
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder / "labels.csv"


@pytest.fixture
def mit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty-four people of different heights, in the form of the MIT pedestrians; beside them the same
    labels as CSV.
    """
    monkeypatch.setattr(FakeDescriber, "attributes", ("female", "front"))
    rows = ["image,female,front"]
    for number in range(24):
        female, front = number % 2, number % 3 == 0
        name = f"{number:05d}_{('male', 'female')[female]}_{'fore' if front else 'back'}.jpg"
        save(
            tmp_path / "data" / "mit_pedestrian" / name,
            scene(("red", "cyan")[female], seed=number, person_height=55 + number),
        )
        rows.append(f"mit_pedestrian/{name},{female},{int(front)}")
    labels(tmp_path / "data", *rows)
    return tmp_path / "data"


def test_a_store_and_an_evaluation_of_the_same_pictures_agree(mit: Path, tmp_path: Path) -> None:
    index(tmp_path / "store", [mit])
    result = evaluate_command(
        "store", "--store", tmp_path / "store", "--labels", mit / "labels.csv", "--out", tmp_path / "stored"
    )
    assert result.exit_code == 0, result.output
    evaluated = evaluate(EvaluationRequest("attributes", "mit", mit), FAKE, tmp_path / "evaluated")
    stored = json.loads((tmp_path / "stored" / "report.json").read_text())
    assert evaluated["found"] == stored["found"] == 24
    assert set(stored["attributes"]) == set(evaluated["attributes"]) == {"female", "front"}
    for name, row in evaluated["attributes"].items():
        assert stored["attributes"][name] == pytest.approx(row)
    assert set(evaluated) <= set(stored)
    assert stored["about"]["fingerprints"] == evaluated["about"]["fingerprints"]
    one, other = read_run(tmp_path / "stored").items, read_run(tmp_path / "evaluated").items
    assert isinstance(one, AttributeItems)
    assert isinstance(other, AttributeItems)
    assert one.names == other.names
    for column, name in enumerate(one.attributes):
        np.testing.assert_array_equal(
            one.probabilities[:, column], other.probabilities[:, other.attributes.index(name)]
        )
    assert (tmp_path / "stored" / "report.html").read_text().count("data:image/jpeg") > 0


def test_labels_that_match_no_person_are_listed_with_the_reason_and_make_the_exit_code_1(
    tmp_path: Path,
) -> None:
    for name, people in (
        ("a/1.png", ["red"]),
        ("b/1.png", ["blue"]),
        ("b/2.png", []),
        ("b/3.png", ["red", "blue"]),
    ):
        save(tmp_path / "pictures" / name, scene(*people, seed=len(name) + len(people), person_height=60))
    (tmp_path / "pictures" / "broken.png").write_bytes(b"no picture")
    index(tmp_path / "store", [tmp_path / "pictures"])
    file = labels(
        tmp_path,
        "image,tall",
        "a/1.png,1",
        "1.png,1",
        "b/2.png,0",
        "b/3.png,1",
        "b/3.png,0",
        "c/1.png,1",
        "broken.png,1",
    )
    result = evaluate_command(
        "store", "--store", tmp_path / "store", "--labels", file, "--out", tmp_path / "out"
    )
    assert result.exit_code == 1, result.output
    rows = list(csv.DictReader((tmp_path / "out" / "unmatched.csv").read_text().splitlines()))
    assert [(Path(row["image"]).name, row["status"]) for row in rows] == [
        ("1.png", "ambiguous_path"),
        ("2.png", "no_people"),
        ("3.png", "several_without_box"),
        ("3.png", "several_without_box"),
        ("1.png", "not_in_store"),
        ("broken.png", "damaged"),
    ]
    assert json.loads((tmp_path / "out" / "report.json").read_text())["labels"] == 7


def test_boxes_tell_people_of_one_picture_apart(tmp_path: Path) -> None:
    # blocks of 20 x 60 pixels, at x 30 and 70, y 31
    save(tmp_path / "pictures" / "two.png", scene("red", "blue"))
    index(tmp_path / "store", [tmp_path / "pictures"])
    file = labels(
        tmp_path,
        "image,x1,y1,x2,y2,tall",
        "two.png,69,30,91,92,1",
        "two.png,32,33,52,91,0",
        "two.png,0,0,20,20,1",
    )
    store = Store.open(tmp_path / "store")
    joined = join_labels(read_csv_labels(file, 0), tmp_path, store, open_index(store))
    assert [each.status for each in joined] == ["ok", "ok", "no_overlap"]
    assert [each.person.box[0] for each in joined if each.person] == [70.0, 30.0]
    assert joined[0].overlap == pytest.approx(20 * 60 / (22 * 62))


def test_members_of_archives_are_matched_but_not_shown(mit: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in sorted((mit / "mit_pedestrian").iterdir()):
            archive.write(file, f"mit_pedestrian/{file.name}")
    index(tmp_path / "store", [tmp_path / "all.zip"])
    result = evaluate_command(
        "store", "--store", tmp_path / "store", "--labels", mit, "--out", tmp_path / "out"
    )
    assert result.exit_code == 0, result.output
    assert "data:image/jpeg" not in (tmp_path / "out" / "report.html").read_text()


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "pictures" / "1.png", scene("red"))
    index(tmp_path / "store", [tmp_path / "pictures"])
    store = Store.open(tmp_path / "store")
    with pytest.raises(BadConfigError, match="the store has none of these, only: bright, tall"):
        evaluate_store(store, labels(tmp_path, "image,hat", "1.png,1"))
    with pytest.raises(BadConfigError, match="no person of"):
        evaluate_store(store, labels(tmp_path, "image,tall", "2.png,1"))
    with pytest.raises(StoreError, match="holds nobody yet"):
        evaluate_store(Store.create(tmp_path / "empty"), labels(tmp_path, "image,tall", "1.png,1"))
    for arguments in (
        ["store", "--store", tmp_path],
        ["store", "--dataset", "mit"],
        ["attributes", "--root", tmp_path],
    ):
        assert isinstance(evaluate_command(*arguments).exception, BadConfigError)


def test_people_of_a_store_keep_the_identities_of_their_labels(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / "pictures" / f"{number}.png", scene("red", seed=number))
    index(tmp_path / "store", [tmp_path / "pictures"])
    file = labels(tmp_path, "image,identity,tall", "0.png,ann,1", "gone.png,bob,1", "1.png,,0", "2.png,eve,0")
    assert evaluate_store(Store.open(tmp_path / "store"), file).run.items.identities == ("ann", "", "eve")


def test_a_label_names_its_picture_through_steps_and_links(tmp_path: Path) -> None:
    save(tmp_path / "pictures" / "a" / "1.png", scene("red"))
    save(tmp_path / "pictures" / "b" / "1.png", scene("blue"))
    (tmp_path / "labels").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "pictures")
    index(tmp_path / "store", [tmp_path / "pictures"])
    file = labels(tmp_path / "labels", "image,tall", "../pictures/a/1.png,1", "../link/b/1.png,0")
    store = Store.open(tmp_path / "store")
    joined = join_labels(read_csv_labels(file, 0), tmp_path / "labels", store, open_index(store))
    places = [str(tmp_path / "pictures" / name / "1.png") for name in "ab"]
    assert [each.person.uri for each in joined if each.person] == places
