"""Attributes by words alone: prompts, the three ways to ask, honest thresholds, and unknown words."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from flows.console.evaluation import artifact_of, evaluation_lines
from par_core.errors import BadConfigError
from par_core.evaluate import zero_shot
from par_core.evaluate.zero_shot import Prompts, prompts_for, similarities
from par_core.models.fake import FakeTextEncoder
from par_core.models.prompting import text_vector
from par_core.studies.evaluation import EvaluationRequest
from par_core.studies.several import evaluate_one
from tests.indexing import FAKE
from tests.pictures import save, scene


def write(root: Path, n: int, *, parts: bool) -> Path:
    """Red and blue people, who differ in nothing else; of every three one is for validation."""
    with (root / "labels.csv").open("w") as file:
        rows = csv.writer(file)
        rows.writerow(["image", *(["part"] if parts else []), "red coat", "sombrero"])
        for number in range(n):
            save(root / f"{number}.png", scene("red" if number % 2 else "blue", seed=number))
            rows.writerow(
                [
                    f"{number}.png",
                    *(["val" if number % 3 == 0 else "test"] if parts else []),
                    number % 2,
                    number % 2,
                ]
            )
    return root / "labels.csv"


@pytest.fixture(autouse=True)
def known_words(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = FakeTextEncoder.unknown_words
    known = {"with", "without", "coat"}
    monkeypatch.setattr(
        FakeTextEncoder,
        "unknown_words",
        lambda self, text: tuple(word for word in usual(self, text) if word not in known),
    )
    monkeypatch.setattr(
        zero_shot,
        "prompts_for",
        lambda name: (
            Prompts("a person in red", "a person in blue") if name == "red coat" else prompts_for(name)
        ),
    )


def test_prompts_speak_the_vocabulary_or_the_words_of_the_name() -> None:
    assert (
        prompts_for("hs-Hat")
        == prompts_for("hat")
        == Prompts("a person wearing a hat", "a person without a hat")
    )
    assert prompts_for("personalMale") == Prompts("a person who is a man", "a person who is a woman")
    assert prompts_for("upperBodyVNeck").has == "a person with upper body v neck"
    assert prompts_for("AgeOver60").lacks == "a person without age over 60"
    assert prompts_for("ub-TShirt").has == prompts_for("top_or_tshirt").has


def test_the_three_ways_to_ask_are_what_they_say() -> None:
    encoder = FakeTextEncoder()
    embeddings = encoder.encode(["red", "blue", "a person"])
    by_mode = similarities(Prompts("a person in red", "a person in blue"), embeddings, encoder)
    has, lacks = encoder.encode(["a photo of a person in red.", "a photo of a person in blue."])
    exponents = np.exp(
        encoder.logit_scale * np.stack([embeddings @ has, embeddings @ lacks]).astype(np.float64)
    )
    assert by_mode["single"] == pytest.approx(embeddings @ has)
    assert by_mode["ensemble"] == pytest.approx(embeddings @ text_vector("a person in red", encoder))
    assert by_mode["pair"] == pytest.approx(exponents[0] / exponents.sum(axis=0), abs=1e-6)
    assert by_mode["pair"][2] == pytest.approx(0.5, abs=1e-6)


def test_thresholds_are_chosen_on_the_validation_part(tmp_path: Path) -> None:
    request = EvaluationRequest("zero-shot", "csv", write(tmp_path, 60, parts=True))
    scores = evaluate_one(request, FAKE, tmp_path / "out")
    assert scores["validation"] == {"people": 20, "how": "the part val"}
    assert scores["images"] == 40
    row = scores["attributes"]["red coat"]
    assert [row[mode]["auc"] for mode in scores["modes"]] == [1.0, 1.0, 1.0]
    assert row["pair"]["fixed"] == {"threshold": 0.5, "mA": 1.0, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert "fixed" not in row["single"]
    assert scores["not_answered"] == {"sombrero": ["sombrero"]}
    assert scores["modes"]["pair"] == {"mean_auc": 1.0, "mA_best": 1.0, "mA_fixed": 1.0}
    shown = "\n".join(evaluation_lines(scores))
    assert "never saw sombrero" in shown
    assert "20 other people (the part val)" in shown
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == scores
    assert "sombrero" in (tmp_path / "out" / "report.html").read_text()
    assert "| pair | 1 | 1 | 1 |" in artifact_of(scores, request, tmp_path)


def test_without_a_validation_part_half_of_the_people_choose(tmp_path: Path) -> None:
    scores = evaluate_one(EvaluationRequest("zero-shot", "csv", write(tmp_path, 60, parts=False)), FAKE)
    assert scores["validation"]["people"] + scores["images"] == 60
    assert 15 < scores["images"] < 45
    assert scores["validation"]["how"].startswith("half of the people")


def test_labels_of_the_judged_do_not_move_the_threshold(tmp_path: Path) -> None:
    file = write(tmp_path, 60, parts=True)
    before = evaluate_one(EvaluationRequest("zero-shot", "csv", file), FAKE)["attributes"]["red coat"][
        "single"
    ]["best"]
    with file.open() as given:
        header, *rows = list(csv.reader(given))
    turned = [
        [image, part, str(1 - int(label)) if part == "test" else label, other]
        for image, part, label, other in rows
    ]
    with file.open("w") as again:
        csv.writer(again).writerows([header, *turned])
    after = evaluate_one(EvaluationRequest("zero-shot", "csv", file), FAKE)["attributes"]["red coat"][
        "single"
    ]["best"]
    assert after["threshold"] == before["threshold"]
    assert before["mA"] > 0.9
    assert after["mA"] == pytest.approx(1 - before["mA"])


def test_too_few_people_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="too few"):
        evaluate_one(EvaluationRequest("zero-shot", "csv", write(tmp_path, 1, parts=False)), FAKE)
