"""Candidate weights are compared on the people who choose, with figures that can tell them apart."""

import json
from pathlib import Path

import numpy as np
import pytest

from par_core.datasets.merged_labels import NAMES, LabelledPerson, labels_of
from par_core.training import candidates
from par_core.training.attribute_data import PeopleParts
from par_core.training.describer_pair import DescriberPair, starting_pair
from tests.pictures import save

FEMALE, FRONT, HAT = (NAMES.index(name) for name in ("female", "front", "hat"))
N = 20


def people_of(folder: Path) -> list[LabelledPerson]:
    """Twenty people of each set, every other of whom is a woman in a hat who looks into the camera."""
    listed = []
    for i in range(2 * N):
        labels = np.full(len(NAMES), np.nan)
        labels[[FEMALE, HAT]] = i % 2
        if i >= N:
            labels[FRONT] = i % 2
        picture = save(folder / f"{i:04}.png", np.full((40, 20, 3), i, np.uint8))
        source = "mit" if i >= N else "ccp-tags"
        weights = (1.0,) * len(NAMES)
        listed.append(LabelledPerson(source, picture, None, tuple(labels), weights, ()))
    return listed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float, bool]]:
    """The describer answers right, but for portraits: there it takes all of them for the opposite."""
    calls: list[tuple[int, float, bool]] = []

    def described(
        pair: DescriberPair, people: list[LabelledPerson], *, shown: float = 1.0, grey: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        calls.append((len(people), shown, grey))
        logits = np.nan_to_num(labels_of(people)) * (1 if shown == 1 else -1)
        embeddings = np.random.default_rng(0).normal(size=(len(people), 256))
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        return embeddings.astype(np.float32), logits.astype(np.float32)

    monkeypatch.setattr(candidates, "describe_people", described)
    return calls


def test_each_figure_is_about_the_people_it_names(
    tmp_path: Path, asked: list[tuple[int, float, bool]]
) -> None:
    figures = candidates.compare(starting_pair(Path("compact"), 0).eval(), people_of(tmp_path))
    assert figures["clothing_auc"] == figures["clothing_mA"] == figures["front"] == 1
    assert figures["gender_mit"] == figures["gender_ccp"] == 1
    assert [figures[f"gender_{what}"] for what in ("shoulders", "waist", "waist_grey")] == [0, 0, 0]
    assert figures["text"] > 0
    assert asked == [(2 * N, 1.0, False), (N, 0.2, False), (N, 0.4, False), (N, 0.4, True)]


def test_people_whose_gender_is_not_known_are_left_out(tmp_path: Path) -> None:
    people = people_of(tmp_path)[:N]
    labels = labels_of(people)
    logits = labels.copy()
    labels[0, FEMALE], logits[0, FEMALE] = np.nan, 9.0
    assert candidates.gender_auc(logits, labels) == 1
    labels[0, FEMALE] = 0
    assert candidates.gender_auc(logits, labels) < 1


def test_weights_are_read_from_shipped_files_and_from_runs(
    tmp_path: Path,
    asked: list[tuple[int, float, bool]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = PeopleParts([], people_of(tmp_path), [])
    monkeypatch.setattr(candidates, "read_people", lambda data: parts)
    monkeypatch.setattr(candidates, "read_impressions", lambda file: {})
    monkeypatch.setattr(candidates, "load_segmenter", lambda config: None)
    monkeypatch.setattr(candidates, "outline_people", lambda listed, *rest: listed)
    candidates.main(["--data", str(tmp_path), "--work", str(tmp_path / "work"), "compact"])
    line = json.loads(capsys.readouterr().out)
    assert (line["weights"], line["gender_ccp"]) == ("compact", 1)
    half = N // 2
    assert line["people"] == {
        "all": 2 * N,
        "men_mit": half,
        "women_mit": half,
        "men_ccp": half,
        "women_ccp": half,
    }
    assert line["machine"]
    assert "torch" in line["versions"]
