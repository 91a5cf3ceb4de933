"""Predictions: cut into shards, computed once, and read back as they were."""

import errno
from pathlib import Path

import numpy as np
import pytest

from flows.predictions import prediction_runner
from par_core.config import CutoutConfig, MachineConfig
from par_core.errors import BadConfigError, BadInputError, StoreError, TransientError
from par_core.models.fake import FakeDescriber, FakeSegmenter
from par_core.people.cutout import cut_out
from par_core.predictions import cache as cache_module
from par_core.predictions.cache import PredictionCache, PredictionJob
from par_core.predictions.compute import compute_here, compute_shard
from par_core.studies.evaluation import EvaluationRequest, evaluate
from tasks.predictions import predict_shard
from tests.indexing import FAKE
from tests.pictures import save, scene
from tests.unit.studies.test_evaluation import mit, pennfudan  # noqa: F401 - fixtures


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    colours = ("red", "green", "blue", "yellow", "cyan")
    files = [tmp_path / "in" / f"{number}.png" for number in range(len(colours))]
    for number, (file, colour) in enumerate(zip(files, colours, strict=True)):
        save(file, scene(colour, seed=number))
    save(tmp_path / "in" / "nobody.png", scene())
    return [*files, tmp_path / "in" / "nobody.png"]


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "SHARD", 2)


def background(kind: str) -> object:
    return FAKE.model_copy(
        update={"describe": FAKE.describe.model_copy(update={"cutout": CutoutConfig(background=kind)})}
    )  # type: ignore[arg-type]


@pytest.mark.usefixtures("small_shards")
def test_people_in_shards_are_those_that_are_described_one_by_one(
    pictures: list[Path], tmp_path: Path
) -> None:
    (predicted,) = PredictionCache(tmp_path, compute_here).people(pictures, [FAKE])
    describer, segmenter = FakeDescriber(), FakeSegmenter()
    from par_core.archive import decode

    for i, file in enumerate(pictures):
        picture = decode(file.read_bytes(), FAKE.archive).pixels
        (people,) = segmenter.segment([picture])
        cutout = (
            cut_out(picture, people.boxes[0], people.masks[0], FAKE.describe.cutout, describer.aspect)
            if len(people)
            else picture
        )
        described = describer.describe([cutout])
        assert np.array_equal(predicted.descriptions.embeddings[i], described.embeddings[0])
        assert np.array_equal(predicted.descriptions.probabilities[i], described.probabilities[0])
        assert (
            np.array_equal(predicted.boxes[i], people.boxes[0])
            if len(people)
            else np.isnan(predicted.boxes[i]).all()
        )
    assert (predicted.detected, predicted.attributes, predicted.thresholds) == (
        5,
        describer.attributes,
        describer.thresholds,
    )


@pytest.mark.usefixtures("small_shards")
def test_variants_share_the_people_and_keep_the_order(
    pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    usual = FakeSegmenter.segment
    monkeypatch.setattr(
        FakeSegmenter, "segment", lambda self, images: looked.append(len(images)) or usual(self, images)
    )
    first, second = PredictionCache(tmp_path, compute_here).people(
        pictures, [background("eliminate"), background("keep")]
    )
    assert sum(looked) == len(pictures)
    assert np.array_equal(first.boxes, second.boxes, equal_nan=True)
    (alone,) = PredictionCache(tmp_path / "alone", compute_here).people(pictures, [background("keep")])
    assert np.array_equal(second.descriptions.probabilities, alone.descriptions.probabilities)
    assert not np.array_equal(first.descriptions.probabilities, second.descriptions.probabilities)


@pytest.mark.usefixtures("small_shards")
def test_what_is_finished_is_not_done_again(pictures: list[Path], tmp_path: Path) -> None:
    plan = PredictionJob.plan(tmp_path, "people", pictures, [FAKE])
    assert plan.missing() == [0, 1, 2]
    assert [compute_shard(plan, 1), compute_shard(plan, 1)] == [2, 0]
    again = PredictionJob.plan(tmp_path, "people", pictures, [FAKE])
    assert again.missing() == [0, 2]
    assert PredictionJob.open(again.folder) == again
    with pytest.raises(StoreError, match="run the same command again"):
        again.read()


def test_another_picture_time_cutout_or_kind_is_another_prediction_job(
    pictures: list[Path], tmp_path: Path
) -> None:
    folders = [
        PredictionJob.plan(tmp_path, "people", pictures, [FAKE]).folder,
        PredictionJob.plan(tmp_path, "people", pictures[:-1], [FAKE]).folder,
        PredictionJob.plan(tmp_path, "outlines", pictures, [FAKE]).folder,
        PredictionJob.plan(tmp_path, "people", pictures, [background("blur")]).folder,
    ]
    save(pictures[0], scene("red", "blue"))
    folders.append(PredictionJob.plan(tmp_path, "people", pictures, [FAKE]).folder)
    assert len(set(folders)) == len(folders)
    machine = FAKE.model_copy(update={"machine": MachineConfig(workers=7)})
    assert PredictionJob.plan(tmp_path, "people", pictures, [machine]).folder == folders[-1]


def test_nothing_to_look_at_and_pictures_that_are_not_there_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="no picture"):
        PredictionJob.plan(tmp_path, "people", [], [FAKE])
    with pytest.raises(BadInputError, match="gone"):
        PredictionJob.plan(tmp_path, "people", [tmp_path / "gone.png"], [FAKE])
    (tmp_path / "text.png").write_text("no picture")
    for kind in ("people", "outlines"):
        plan = PredictionJob.plan(tmp_path, kind, [tmp_path / "text.png"], [FAKE])
        with pytest.raises(BadInputError, match="text"):
            compute_here(plan)
        assert plan.missing() == [0]


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("pathlib.Path.read_bytes", OSError(errno.EMFILE, "Too many open files")),
        ("pathlib.Path.read_bytes", MemoryError()),
        ("PIL.PngImagePlugin.PngImageFile.load", MemoryError()),
    ],
)
def test_a_machine_that_is_short_of_something_is_trouble_that_may_pass(
    pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    plan = PredictionJob.plan(tmp_path, "people", pictures, [FAKE])

    def short(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, short)
        patch.setattr(PredictionJob, "open", lambda _: plan)
        with pytest.raises(TransientError):
            predict_shard(str(plan.folder), 0)
    predict_shard(str(plan.folder), 0)
    assert plan.missing() == []


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize(("kind", "dataset"), [("segmentation", "pennfudan"), ("attributes", "mit")])
def test_a_second_evaluation_looks_at_nothing_and_says_the_same(
    kind: str, dataset: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    study = EvaluationRequest(kind, dataset, request.getfixturevalue(dataset))
    first = evaluate(study, FAKE, tmp_path / "out")

    def nothing(job: PredictionJob) -> None:
        assert not job.missing()

    second = evaluate(study, FAKE, tmp_path / "out", compute=nothing)
    assert {**first, "about": 0} == {**second, "about": 0}


def test_workers_elsewhere_need_a_folder_that_they_see(tmp_path: Path) -> None:
    far = FAKE.model_copy(update={"machine": MachineConfig(scheduler="tcp://10.0.0.5:8786")})
    with pytest.raises(BadConfigError, match="--out"):
        evaluate(EvaluationRequest("attributes", "mit", tmp_path), far)


def test_one_shard_is_done_here(
    pictures: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with prediction_runner(MachineConfig()) as compute:
        PredictionCache(tmp_path, compute).people(pictures, [FAKE])
    assert "6 pictures, 1 of 1 shard to do" in capsys.readouterr().err
    assert not list(tmp_path.rglob("prefect-server.log"))
