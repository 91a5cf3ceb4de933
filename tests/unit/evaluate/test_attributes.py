"""Attributes on any data set: whose answers count for which label, what is left unanswered, and several runs
side by side.
"""

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.console.evaluation import artifact_of, evaluation_lines
from par_core.datasets.labelled_set import AttributeSet, assemble
from par_core.datasets.meanings import answer_to, meaning_of
from par_core.errors import BadConfigError
from par_core.evaluate import comparison
from par_core.evaluate.attributes import people_of, read_people, score_attributes
from par_core.evaluate.background import DEFAULT, VARIANTS
from par_core.metrics.attributes import attribute_metrics
from par_core.metrics.bootstrap import bootstrap_rows
from par_core.models.fake import FakeDescriber
from par_core.predictions.tables import PredictedPeople
from par_core.studies.evaluation import EvaluationRequest, evaluate
from par_core.studies.several import evaluate_all
from par_core.types import Descriptions
from tests.indexing import FAKE
from tests.pictures import save, scene


def a_set(names: list[str], labels: np.ndarray) -> AttributeSet:
    return assemble(
        "csv", Path("labels.csv"), names, [Path(f"{i}.png") for i in range(len(labels))], labels.astype(float)
    )


def predicted(
    names: tuple[str, ...], probabilities: np.ndarray, thresholds: tuple[float, ...]
) -> PredictedPeople:
    n = len(probabilities)
    return PredictedPeople(
        Descriptions(np.ones((n, 1), np.float32), probabilities.astype(np.float32)),
        np.zeros((n, 4), np.float32),
        names,
        thresholds,
    )


@pytest.fixture
def labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve people with a label that says whether they are bright; half of them are the test part."""
    monkeypatch.setattr(FakeDescriber, "attributes", ("female", "hat"))
    monkeypatch.setattr(comparison, "bootstrap_rows", partial(bootstrap_rows, resamples=50))
    root = tmp_path / "data"
    with (tmp_path / "labels.csv").open("w") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "part", "Female", "hat", "umbrella"])
        for number in range(24):
            save(root / f"{number}.png", scene("red" if number % 2 else "cyan", seed=number))
            rows.writerow(
                [
                    f"data/{number}.png",
                    "test" if number < 12 else "train",
                    number % 2,
                    (number // 2) % 2,
                    int(number % 3 == 0),
                ]
            )
    return tmp_path


def test_a_name_is_answered_by_itself_before_its_meaning() -> None:
    own = ("female", "hat", "Hat")
    assert answer_to("Hat", own).name == "Hat"  # type: ignore[union-attr]
    assert answer_to("hs-Hat", own).name == "hat"  # type: ignore[union-attr]
    male = answer_to("personalMale", own)
    assert male is not None
    assert (male.name, male.opposite) == ("female", True)
    assert answer_to("Backpack", own) is None
    assert answer_to("lb-Jeans", own) is None  # the meaning is known, but not to this model
    assert meaning_of("lb-Jeans") is not None


def test_the_opposite_of_an_attribute_is_answered_by_what_is_left() -> None:
    p = np.linspace(0.05, 0.95, 10)[:, None]
    male = (p[:, 0] < 0.4).astype(float)[:, None]
    run = score_attributes(a_set(["personalMale"], male), predicted(("female",), p, (0.4,)))
    row = run.scores["attributes"].get("personalMale")
    assert row is None  # four men only
    male[4] = 1
    row = score_attributes(a_set(["personalMale"], male), predicted(("female",), p, (0.4,))).scores[
        "attributes"
    ]["personalMale"]
    assert row["auc"] == 1.0
    assert row["threshold"] == pytest.approx(0.6)
    assert (row["recall"], row["precision"]) == (pytest.approx(4 / 5), 1.0)


def test_attributes_without_an_answer_are_listed_and_do_not_count() -> None:
    rng = np.random.default_rng(0)
    labels, p = rng.integers(0, 2, (40, 3)), rng.random((40, 2))
    labels[:, 2] = 0
    labels[0, 2] = 1
    data = a_set(["Hat", "umbrella", "Glasses"], labels)
    run = score_attributes(data, predicted(("glasses", "hat"), p, (0.3, 0.6)))
    assert list(run.scores["attributes"]) == ["Hat"]
    assert run.scores["not_answered"] == ["umbrella"]
    assert run.scores["too_few"] == ["Glasses"]
    expected = attribute_metrics(labels[:, :1].astype(float), p[:, 1:].astype(np.float32) >= np.float32(0.6))
    assert {name: run.scores["instances"][name] for name in ("accuracy", "precision", "recall", "f1")} == {
        name: expected[name] for name in ("accuracy", "precision", "recall", "f1")
    }
    assert run.scores["mA"] == expected["mA"] == run.scores["attributes"]["Hat"]["mA"]


def test_an_answer_that_is_withheld_counts_as_not_found_and_is_reported() -> None:
    """As docs/metrics.md says of missing answers: nobody leaves the figures for it."""
    rng = np.random.default_rng(1)
    labels, p = rng.integers(0, 2, (40, 1)), rng.random((40, 1))
    answered = score_attributes(a_set(["hat"], labels), predicted(("hat",), np.where(p > 0.7, p, 0), (0.5,)))
    withheld = score_attributes(
        a_set(["hat"], labels), predicted(("hat",), np.where(p > 0.7, p, np.nan), (0.5,))
    )
    first, second = (run.scores["attributes"]["hat"] for run in (answered, withheld))
    for name in ("n", "auc", "mA", "recall", "precision", "accuracy", "prevalence"):
        assert first[name] == second[name]
    assert (first["answered"], second["answered"]) == (1, pytest.approx((p > 0.7).mean()))
    figures, rows = (run.items.figures() for run in (answered, withheld)), np.arange(40)
    assert len({figure["auc: hat"](rows) for figure in figures}) == 1


def test_the_test_part_is_judged_unless_another_is_asked_for(labelled: Path) -> None:
    data = read_people("csv", labelled / "labels.csv")
    assert len(people_of(data, labelled / "crops").people) == 12
    assert people_of(data, labelled / "crops", "train").people[0].image.name == "12.png"
    with pytest.raises(BadConfigError, match="there are: train, test"):
        people_of(data, labelled / "crops", "val")
    with pytest.raises(BadConfigError, match="a part is one of"):
        people_of(data, labelled / "crops", "dev")


def test_scores_of_any_data_set_are_shown_with_the_attributes_left_out(labelled: Path) -> None:
    scores = evaluate(EvaluationRequest("attributes", "csv", labelled / "labels.csv"), FAKE, labelled / "out")
    assert set(scores["attributes"]) == {"Female", "hat"}
    assert scores["not_answered"] == ["umbrella"]
    shown = "\n".join(evaluation_lines(scores))
    assert "does not know: umbrella" in shown
    assert "Li et al. 2016" in shown
    assert all(len(line) <= 82 for line in shown.splitlines()[1:])
    assert "umbrella" in (labelled / "out" / "report.html").read_text()
    with pytest.raises(BadConfigError, match="leave --split and --part out"):
        evaluate(EvaluationRequest("segmentation", "ccp", labelled, part="test"), FAKE)


def test_a_summary_holds_no_empty_figures_and_says_what_its_means_are_over() -> None:
    about = {"kind": "attributes", "dataset": "mit", "root": "data", "models": "fake models"}
    row = {"auc": 0.9, "mA": 0.8}
    means = {"mean_auc": None, "mA": None, "images": 24}
    scores = {
        "about": about,
        "intervals": {},
        **means,
        "averaged": [],
        "attributes": {"female": row, "front": row},
    }
    assert list(evaluation_lines(scores)) == [
        "attributes on mit (data), fake models",
        "  images  24",
        "  nothing here to compute these from: mean_auc, mA",
        "  means and mA are over attributes of clothing, without female, front",
        "           auc    mA",
        "  female 0.900 0.800",
        "  front  0.900 0.800",
    ]
    scores |= {"mA": 0.7, "mean_auc": 0.6, "averaged": ["female", "front"]}
    assert "  mA        0.700" in list(evaluation_lines(scores))
    assert not [line for line in evaluation_lines(scores) if "without" in line or "nothing here" in line]


def test_several_runs_have_mean_and_standard_deviation(labelled: Path) -> None:
    runs = [FAKE.model_copy(update={"weights_dir": labelled / name}) for name in ("seed-0", "seed-1")]
    request = EvaluationRequest("attributes", "csv", labelled / "labels.csv")
    scores = evaluate_all(request, runs, labelled / "out")
    assert list(scores["runs"]) == ["seed-0", "seed-1"]
    assert scores["std"]["mA"] == 0
    assert scores["mean"]["mA"] == scores["runs"]["seed-1"]["mA"]
    assert "images: f1" in scores["mean"]
    assert json.loads((labelled / "out" / "summary.json").read_text())["mean"] == scores["mean"]
    assert (labelled / "out" / "seed-1" / "report.html").is_file()
    assert any("±" in line for line in evaluation_lines(scores))
    assert "| mA |" in artifact_of(scores, request, labelled)
    with pytest.raises(BadConfigError, match="called 'seed-0'"):
        evaluate_all(request, [runs[0], runs[0]], None)


def test_backgrounds_are_compared_on_the_same_people(labelled: Path) -> None:
    out = labelled / "out"
    done = CliRunner().invoke(
        app,
        [
            "evaluate",
            "background",
            "--dataset",
            "csv",
            "--root",
            str(labelled / "labels.csv"),
            "--profile",
            "fake",
            "--out",
            str(out),
        ],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    assert "kept, against the default" in done.output
    report = json.loads((out / "report.json").read_text())
    assert tuple(report["variants"]) == VARIANTS
    assert set(report["changes"]) == set(VARIANTS) - {DEFAULT}
    kept = (
        report["variants"]["kept"]["attributes"]["Female"]["auc"]
        - report["variants"][DEFAULT]["attributes"]["Female"]["auc"]
    )
    assert report["changes"]["kept"]["auc: Female"]["estimate"] == pytest.approx(kept)
    alone = evaluate(EvaluationRequest("attributes", "csv", labelled / "labels.csv"), FAKE)
    assert report["variants"][DEFAULT]["attributes"] == alone["attributes"]
    assert "Kept" in (out / "report.html").read_text()
