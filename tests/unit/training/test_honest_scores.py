"""What a run on attributes prints: which people chose its weights, calibration and thresholds, and which
people its figures are about.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from flows.training import plan_jobs
from flows.training import train as run_jobs
from par_core.config import MachineConfig, RunConfig
from par_core.datasets.labelled_set import AttributeSet
from par_core.datasets.merged_labels import LabelledPerson, labels_of
from par_core.errors import BadConfigError
from par_core.metrics.attributes import attribute_metrics
from par_core.models.answers import Answers
from par_core.models.fake import FakeSegmenter
from par_core.training import job_data, jobs
from par_core.training.calibration import cross_fitted, fit_answers
from par_core.training.job_data import split_people
from par_core.training.job_settings import TrainingJob
from par_core.training.processes import World
from tests.pictures import save, scene

N, EACH = 600, 4
PEOPLE = tuple(
    LabelledPerson("csv", Path(f"{i}.png"), None, (float(i // EACH % 2),), (1.0,), ()) for i in range(N)
)
WHO = tuple(f"{i // EACH:03}" for i in range(N))
DATA = AttributeSet("csv", ("hat",), PEOPLE, WHO, {})
HERE = World(1, 0, torch.device("cpu"))


def logits_of(people: list[LabelledPerson]) -> np.ndarray:
    """Far too high, and nearly noise: each identity's own."""
    draws = np.random.default_rng(5).normal(3, 1.5, N // EACH)
    return np.array(
        [[draws[int(person.image.stem) // EACH] + 0.3 * person.labels[0]] for person in people], np.float32
    )


class Learner:
    """Learns nothing; its logits are those above."""

    def __init__(self, train: list[LabelledPerson], kept: list[LabelledPerson], *_: object) -> None:
        self.network = nn.Linear(1, 1)
        self.train, self.kept = train, kept

    def groups(self) -> list[dict[str, object]]:
        return [{"params": list(self.network.parameters()), "share": 1.0}]

    def losses(self, step: int, world: World) -> dict[str, Tensor]:
        return {"attributes": self.network(torch.ones(1, 1)).sum()}

    def predict(self, network: nn.Module, people: list[LabelledPerson]) -> np.ndarray:
        return logits_of(people)

    def score(self, network: nn.Module) -> dict[str, float]:
        metrics = attribute_metrics(labels_of(self.kept), logits_of(self.kept) > 0)
        return {"score": metrics["mA"], **metrics}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answers]:
    saved: dict[str, Answers] = {}
    monkeypatch.setattr(jobs, "AttributeLearner", Learner)
    monkeypatch.setattr(jobs, "read_attribute_set", lambda name, root: DATA)
    monkeypatch.setattr(
        jobs, "save_attribute_vit", lambda file, weights, answers: saved.update({file.parent.name: answers})
    )
    return saved


def settings(out: Path, **others: object) -> dict[str, object]:
    return {
        "what": "attributes",
        "dataset": "csv",
        "root": ".",
        "out": out,
        "background": "keep",
        "steps": 2,
    } | others


def run(out: Path, **others: object) -> dict[str, object]:
    return jobs.run_job(TrainingJob.model_validate(settings(out, **others)), HERE)


def test_figures_of_a_fold_are_of_people_who_chose_nothing(
    tmp_path: Path, trained: dict[str, Answers]
) -> None:
    report = run(tmp_path / "out", fold=1, folds=3, score_every=2)
    parts = split_people(TrainingJob.model_validate(settings(tmp_path, fold=1, folds=3)), DATA)
    kept, judged = parts.kept, parts.judged
    answers = trained["out"]
    assert answers == fit_answers(("hat",), logits_of(kept), labels_of(kept)), (
        "chosen on others than those who are judged"
    )
    predicted = answers.probabilities(logits_of(judged)) >= np.array(answers.thresholds, np.float32)
    expected = {
        f"{name}_at_thresholds": value
        for name, value in attribute_metrics(labels_of(judged), predicted).items()
    }
    expected |= attribute_metrics(labels_of(judged), logits_of(judged) > 0)
    assert report["scores"] == pytest.approx(expected)
    assert report["sizes"] == {"train": len(parts.train), "held out": len(kept), "judged": len(judged)}
    assert "chosen on other people" in str(report["scored_on"])


def test_figures_without_folds_are_by_thresholds_of_other_people(
    tmp_path: Path, trained: dict[str, Answers]
) -> None:
    people = TrainingJob.model_validate(settings(tmp_path))
    parts = split_people(people, DATA)
    report = run(tmp_path / "out", score_every=2)
    labels, logits = labels_of(parts.kept), logits_of(parts.kept)
    _, predicted = cross_fitted(("hat",), logits, labels, groups=parts.groups)
    scores = dict(report["scores"])  # type: ignore[call-overload]
    assert scores["mA_at_thresholds"] == attribute_metrics(labels, predicted)["mA"]
    own = trained["out"].probabilities(logits) >= np.array(trained["out"].thresholds, np.float32)
    assert scores["mA_at_thresholds"] < attribute_metrics(labels, own)["mA"], (
        "by one's own label it is better"
    )
    assert trained["out"] == fit_answers(("hat",), logits, labels), "what is saved is chosen on all of them"
    said = str(report["scored_on"])
    assert "weights were chosen on the same people" in said
    assert "thresholds come from others of them" in said
    card = " ".join((tmp_path / "out" / "card.md").read_text().split())
    assert " ".join(said.split()) in card
    unscored = run(tmp_path / "unscored", score_every=0)
    assert "weights were chosen" not in str(unscored["scored_on"])


def test_cross_fitting_never_learns_from_the_person_who_is_judged() -> None:
    chance = np.random.default_rng(0)
    groups = [f"{i // 20}" for i in range(400)]
    logits = np.repeat(chance.normal(size=20), 20)[:, None].astype(np.float32)
    labels = np.repeat(np.arange(20) % 2, 20)[:, None].astype(np.float32)
    before, _ = cross_fitted(["hat"], logits, labels, groups=groups)
    for person in range(20):
        rows = np.arange(400) // 20 == person
        turned = labels.copy()
        turned[rows] = 1 - turned[rows]
        after, _ = cross_fitted(["hat"], logits, turned, groups=groups)
        np.testing.assert_array_equal(after[rows], before[rows])


def test_three_parts_of_a_fold_share_no_identity_and_folds_cover_all_people() -> None:
    judged: list[str] = []
    for fold in range(3):
        parts = split_people(TrainingJob.model_validate(settings(Path("out"), fold=fold, folds=3)), DATA)
        identities = [
            {WHO[int(person.image.stem)] for person in people}
            for people in (parts.train, parts.kept, parts.judged)
        ]
        assert all(identities)
        assert sum(map(len, identities)) == len(set().union(*identities)) == N // EACH
        assert len(parts.train) + len(parts.kept) + len(parts.judged) == N
        assert list(parts.groups) == [WHO[int(person.image.stem)] for person in parts.kept]
        judged += [person.image.stem for person in parts.judged]
    assert sorted(judged, key=int) == [str(i) for i in range(N)]


def test_too_few_people_for_all_parts_are_refused() -> None:
    two = AttributeSet("csv", ("hat",), PEOPLE[: 2 * EACH], WHO[: 2 * EACH], {})
    with pytest.raises(BadConfigError, match="too few"):
        split_people(TrainingJob.model_validate(settings(Path("out"), fold=0, folds=2)), two)


def test_the_summary_says_on_which_people_the_figures_are(
    tmp_path: Path, trained: dict[str, Answers]
) -> None:
    out = tmp_path / "runs" / "all"
    plain = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in settings(out).items()
        if name != "out"
    }
    summary = run_jobs(
        plan_jobs(plain, out, [0], 2), out, MachineConfig(), n_processes=1, quiet=True, verbose=False
    )
    assert set(trained) == {"fold-0", "fold-1"}
    assert "chosen on other people" in summary["scored_on"]
    assert json.loads((out / "summary.json").read_text())["scored_on"] == summary["scored_on"]


@pytest.mark.usefixtures("trained")
def test_nothing_is_written_beside_the_folder_of_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs: list[RunConfig] = []

    def load(config: RunConfig) -> FakeSegmenter:
        configs.append(config)
        return FakeSegmenter()

    people = tuple(
        LabelledPerson(
            "csv", save(tmp_path / "in" / f"{i}.png", scene("red", seed=i)), None, (float(i % 2),), (1.0,), ()
        )
        for i in range(6)
    )
    boxes = np.array([[0, 0, 60, 60]] * len(people), np.float32)
    boxed = AttributeSet("csv", ("hat",), people, (), {}, boxes)
    monkeypatch.setattr(jobs, "read_attribute_set", lambda name, root: boxed)
    monkeypatch.setattr(job_data, "load_segmenter", load)
    monkeypatch.setattr(
        Learner, "predict", lambda self, network, people: np.zeros((len(people), 1), np.float32)
    )
    monkeypatch.setattr(Learner, "score", lambda self, network: {"score": 0.0})
    plain = {
        "what": "attributes",
        "dataset": "csv",
        "root": str(tmp_path),
        "steps": 2,
        "device": "cpu",
        "threads": 2,
    }
    for out, seeds in ((tmp_path / "runs" / "one", [0]), (tmp_path / "runs" / "many", [0, 1])):
        run_jobs(
            plan_jobs(plain, out, seeds, None), out, MachineConfig(), n_processes=1, quiet=True, verbose=False
        )
        assert len(list((out / "crops").glob("*.png"))) == len(people), "once for all runs"
        assert len(list((out / "outlines").rglob("*.png"))) == len(people)
        assert not list(out.glob("seed-*/crops"))
    assert {file.name for file in (tmp_path / "runs").iterdir()} == {"one", "many"}
    assert {file.name for file in tmp_path.iterdir()} == {"in", "runs"}
    assert {(config.machine.device, config.machine.threads_per_worker) for config in configs} == {("cpu", 2)}


def test_people_are_outlined_on_the_device_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs: list[RunConfig] = []

    def load(config: RunConfig) -> FakeSegmenter:
        configs.append(config)
        return FakeSegmenter()

    monkeypatch.setattr(job_data, "load_segmenter", load)
    job = TrainingJob.model_validate(settings(tmp_path / "out"))
    for device, wanted in (("cpu", "cpu"), ("cuda:1", "cuda")):
        job_data.outlined([], job, World(2, 1, torch.device(device)))
        assert configs[-1].machine.device == wanted
