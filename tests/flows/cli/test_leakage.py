"""``par leakage`` on small data sets written here, with the ``fake`` profile, which sees colours."""

import csv
import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.datasets.csv_labels import read_csv_labels
from par_core.errors import BadConfigError
from par_core.evaluate.items import AttributeItems
from par_core.evaluate.leakage import pictures as leakage_pictures
from par_core.evaluate.leakage.pairs import COPIES, other_distances
from par_core.evaluate.leakage.pictures import PictureFeatures
from par_core.evaluate.leakage.scores import cleaned_scores
from par_core.evaluate.saved_run import SavedRun
from par_core.predictions import compute
from tests.pictures import photograph, save

HOSTILE = "<script>alert(1)&.png"


def leakage(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["leakage", *map(str, arguments), "--profile", "fake"])


def picture(seed: int) -> np.ndarray:
    """A picture of one person, in a random colour that the describer can tell from others."""
    image = photograph(seed, 128, 64)
    image[30:120, 20:44] = np.random.default_rng(seed).integers(0, 255, 3)
    return image


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Eight different pictures each; test also holds a copy, a smaller version of train pictures, and no
    picture.
    """
    train, test = tmp_path / "train", tmp_path / "test"
    for number in range(8):
        save(train / f"{number}.png", picture(number))
        save(test / f"{number + 100}.png", picture(100 + number))
    shutil.copy(train / "0.png", test / HOSTILE)
    Image.open(train / "1.png").resize((48, 96)).save(test / "smaller.jpg", quality=60)
    (test / "broken.jpg").write_bytes(b"no picture")
    return train, test


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Identities are known: ann is in train and test, in different pictures; bob in val and test."""
    rows = ["image,identity,part,hat"]
    who = [
        ("ann", "train"),
        ("cid", "train"),
        ("bob", "val"),
        ("ann", "test"),
        ("bob", "test"),
        ("eve", "test"),
    ]
    for number, (name, part) in enumerate(who):
        save(tmp_path / "set" / f"{number}.png", picture(number))
        rows.append(f"{number}.png,{name},{part},{number % 2}")
    (tmp_path / "set" / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "set"


def pairs(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "pairs.csv").read_text().splitlines()))


def test_copies_between_two_folders_are_found_and_the_lists_are_without_them(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    result = leakage(*folders, "--out", tmp_path / "out", "--by", "digest", "--by", "hash")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {
        (Path(row["test"]).name, Path(row["train"]).name, row["kind"]) for row in pairs(tmp_path / "out")
    } == {
        (HOSTILE, "0.png", "digest"),
        ("smaller.jpg", "1.png", "hash"),
    }
    assert report["share"] == 2 / 10  # the broken picture could not be compared
    assert report["unreadable"] == {"damaged": 1}
    assert [
        Path(line).name for line in (tmp_path / "out" / "cleaned-train.txt").read_text().splitlines()
    ] == [f"{i}.png" for i in range(2, 8)]
    left = {Path(line).name for line in (tmp_path / "out" / "cleaned-test.txt").read_text().splitlines()}
    assert left == {"broken.jpg", *(f"{100 + i}.png" for i in range(8))}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in page
    assert page.count("data:image/jpeg") == 2


def test_a_picture_that_could_not_be_read_is_read_again_by_the_next_command(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def fail_on_one(self: Path) -> bytes:
        if self.name == "smaller.jpg":
            raise OSError(errno.EIO, "Input/output error")
        return read(self)

    arguments = (*folders, "--out", tmp_path / "out", "--by", "hash")
    for unreadable in ({"damaged": 1, "io_error": 1}, {"damaged": 1}):
        with monkeypatch.context() as patch:
            if "io_error" in unreadable:
                patch.setattr(Path, "read_bytes", fail_on_one)
            assert leakage(*arguments).exit_code == 0
        assert json.loads((tmp_path / "out" / "report.json").read_text())["unreadable"] == unreadable


def test_embeddings_name_suspects_and_clean_nothing_by_default(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    assert leakage(*folders, "--out", tmp_path / "out", "--max-distance", 0.001).exit_code == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert set(report["by_kind"]) == {"digest", "hash"}
    assert report["suspected"]["embedding"]["test_leaked"] >= 1
    assert report["test_kept"] == 9
    assert (
        leakage(*folders, "--out", tmp_path / "out", "--by", "embedding", "--max-distance", 2).exit_code == 0
    )
    assert json.loads((tmp_path / "out" / "report.json").read_text())["train_kept"] == 0


def test_a_threshold_of_embeddings_is_measured_on_copies(folders: tuple[Path, Path], tmp_path: Path) -> None:
    result = leakage(*folders, "--out", tmp_path / "out", "--false-positives", 0.05)
    assert result.exit_code == 0, result.output
    threshold = json.loads((tmp_path / "out" / "report.json").read_text())["thresholds"]["embedding"]
    assert set(threshold["copies_found_by_change"]) == set(COPIES)
    assert threshold["known_copies"] == 10 * len(COPIES)
    assert threshold["mistaken"] <= threshold["false_positive_rate"]


def test_identities_decide_where_they_are_known_and_val_counts_as_train(
    labelled: Path, tmp_path: Path
) -> None:
    result = leakage("--dataset", "csv", "--root", labelled, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["share"] == pytest.approx(2 / 3)
    assert report["identities"] == {"train": 3, "test": 3, "shared": 2}
    assert "embedding" not in report["by_kind"] | report["suspected"]
    train, test = (read_csv_labels(tmp_path / "out" / f"cleaned-{part}.csv", 0) for part in ("train", "test"))
    assert [person.image.name for person in train.people] == ["1.png", "3.png", "4.png", "5.png"]
    assert train.parts == {"train": (0,), "test": (1, 2, 3)}
    assert [person.image.name for person in test.people] == ["0.png", "1.png", "2.png", "5.png"]
    assert test.people[3].labels == (1.0,)


def test_what_was_looked_at_is_not_looked_at_again(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert leakage(*folders, "--out", tmp_path / "out").exit_code == 0
    first = (tmp_path / "out" / "pairs.csv").read_text()
    monkeypatch.setattr(compute, "compute_shard", None)
    monkeypatch.setattr(leakage_pictures, "perceptual_hash", None)
    assert leakage(*folders, "--out", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "pairs.csv").read_text() == first


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name two folders"),
        (["a"], "name two folders"),
        (["a", "b", "--dataset", "csv"], "name two folders"),
        (["--dataset", "csv"], "name two folders"),
        (["a", "b"], "is no folder"),
        (["{train}", "{test}", "--by", "face"], "no way of looking 'face'"),
        (["{train}", "{test}", "--by", "identity"], "no identity is known"),
        (["{train}", "{test}", "--split", "x"], "--split wants"),
    ],
)
def test_wrong_settings_are_named(
    folders: tuple[Path, Path], tmp_path: Path, arguments: list[str], says: str
) -> None:
    result = leakage(
        *(each.format(train=folders[0], test=folders[1]) for each in arguments), "--out", tmp_path / "out"
    )
    assert isinstance(result.exception, BadConfigError)
    assert says in str(result.exception)


def test_a_data_set_without_parts_is_refused(labelled: Path, tmp_path: Path) -> None:
    (labelled / "labels.csv").write_text("image,hat\n0.png,1\n")
    result = leakage("--dataset", "csv", "--root", labelled, "--out", tmp_path / "out")
    assert isinstance(result.exception, BadConfigError)
    assert "the parts are: none" in str(result.exception)


def test_pairs_of_one_person_or_one_picture_are_not_taken_for_different() -> None:
    embeddings = np.eye(4, dtype=np.float32)
    observations = PictureFeatures(
        ("ok",) * 4, ("a", "a", "b", "c"), (0, 2**40 - 1, 2**63, 2**64 - 1), embeddings
    )
    # 0 and 1 have one digest, 0 and 2 differ in one bit, 1 and 3 are one person: three of six pairs are left
    assert len(other_distances(("", "ann", "", "ann"), observations, 10)) == 3


def items(names: list[str]) -> AttributeItems:
    labels = np.array([[i % 2] for i in range(len(names))], np.float32)
    # the first half is known by heart
    probabilities = np.where(np.arange(len(names))[:, None] < len(names) // 2, labels, 0.5).astype(np.float32)
    return AttributeItems(tuple(names), ("hat",), labels, probabilities, {"hat": 0.5})


def test_scores_without_what_leaks_are_those_of_the_items_that_are_left(tmp_path: Path) -> None:
    names = [f"test/{i}.png" for i in range(40)]
    run = SavedRun(tmp_path, "attributes", "", {"models": "fake"}, items(names))
    (auc,) = [each for each in cleaned_scores(run, names, names[:20])[0] if each.name == "auc: hat"]
    assert auc.given.estimate == 0.875
    assert auc.cleaned.estimate == 0.5
    assert auc.change.estimate == -0.375
    assert auc.change.high < 0


def test_scores_of_other_pictures_or_of_nothing_are_refused(tmp_path: Path) -> None:
    run = SavedRun(tmp_path, "attributes", "", {"models": "fake"}, items(["test/0.png", "test/1.png"]))
    with pytest.raises(BadConfigError, match="outside of the test part, such as test/1"):
        cleaned_scores(run, ["test/0.png"], [])
    with pytest.raises(BadConfigError, match="nothing left to score"):
        cleaned_scores(run, run.items.names, run.items.names)  # type: ignore[union-attr]


def test_a_link_that_leads_nowhere_is_a_picture_that_cannot_be_read(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    (folders[0] / "link.png").symlink_to(tmp_path / "gone.png")
    for _ in range(2):  # made, then read again
        result = leakage(*folders, "--out", tmp_path / "out", "--by", "digest", "--by", "hash")
        assert result.exit_code == 0, result.output
        report = json.loads((tmp_path / "out" / "report.json").read_text())
        assert report["unreadable"] == {"damaged": 1, "io_error": 1}
        assert report["train"] == 9
    shutil.copy(folders[0] / "2.png", tmp_path / "gone.png")
    assert leakage(*folders, "--out", tmp_path / "out", "--by", "digest", "--by", "hash").exit_code == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["unreadable"] == {"damaged": 1}
