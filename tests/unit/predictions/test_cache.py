"""Observations: cut into shards, finished once, and read back as they were seen."""

import errno
from pathlib import Path

import numpy as np
import pytest

from flows.predictions import observing
from par_core.config import CutoutConfig, MachineConfig
from par_core.errors import BadConfigError, BadInputError, StoreError, TransientError
from par_core.models.fake import FakeDescriber, FakeSegmenter
from par_core.people.cutout import cut_out
from par_core.predictions import cache as cache_module
from par_core.predictions.cache import Observation, Observer
from par_core.predictions.compute import observe_here, observe_shard
from par_core.studies.evaluation import EvaluationRequest, evaluate
from tasks.predictions import observe
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
    (seen,) = Observer(tmp_path, observe_here).people(pictures, [FAKE])
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
        told = describer.describe([cutout])
        assert np.array_equal(seen.descriptions.embeddings[i], told.embeddings[0])
        assert np.array_equal(seen.descriptions.probabilities[i], told.probabilities[0])
        assert (
            np.array_equal(seen.boxes[i], people.boxes[0]) if len(people) else np.isnan(seen.boxes[i]).all()
        )
    assert (seen.found, seen.attributes, seen.thresholds) == (5, describer.attributes, describer.thresholds)


@pytest.mark.usefixtures("small_shards")
def test_variants_share_the_people_and_keep_the_order(
    pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    usual = FakeSegmenter.segment
    monkeypatch.setattr(
        FakeSegmenter, "segment", lambda self, images: looked.append(len(images)) or usual(self, images)
    )
    first, second = Observer(tmp_path, observe_here).people(
        pictures, [background("eliminate"), background("keep")]
    )
    assert sum(looked) == len(pictures)
    assert np.array_equal(first.boxes, second.boxes, equal_nan=True)
    (alone,) = Observer(tmp_path / "alone", observe_here).people(pictures, [background("keep")])
    assert np.array_equal(second.descriptions.probabilities, alone.descriptions.probabilities)
    assert not np.array_equal(first.descriptions.probabilities, second.descriptions.probabilities)


@pytest.mark.usefixtures("small_shards")
def test_what_is_finished_is_not_done_again(pictures: list[Path], tmp_path: Path) -> None:
    plan = Observation.plan(tmp_path, "people", pictures, [FAKE])
    assert plan.missing() == [0, 1, 2]
    assert [observe_shard(plan, 1), observe_shard(plan, 1)] == [2, 0]
    again = Observation.plan(tmp_path, "people", pictures, [FAKE])
    assert again.missing() == [0, 2]
    assert Observation.open(again.folder) == again
    with pytest.raises(StoreError, match="run the same command again"):
        again.read()


def test_another_picture_time_cutout_or_kind_is_another_observation(
    pictures: list[Path], tmp_path: Path
) -> None:
    folders = [
        Observation.plan(tmp_path, "people", pictures, [FAKE]).folder,
        Observation.plan(tmp_path, "people", pictures[:-1], [FAKE]).folder,
        Observation.plan(tmp_path, "outlines", pictures, [FAKE]).folder,
        Observation.plan(tmp_path, "people", pictures, [background("blur")]).folder,
    ]
    save(pictures[0], scene("red", "blue"))
    folders.append(Observation.plan(tmp_path, "people", pictures, [FAKE]).folder)
    assert len(set(folders)) == len(folders)
    machine = FAKE.model_copy(update={"machine": MachineConfig(workers=7)})
    assert Observation.plan(tmp_path, "people", pictures, [machine]).folder == folders[-1]


def test_nothing_to_look_at_and_pictures_that_are_not_there_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="no picture"):
        Observation.plan(tmp_path, "people", [], [FAKE])
    with pytest.raises(BadInputError, match="gone"):
        Observation.plan(tmp_path, "people", [tmp_path / "gone.png"], [FAKE])
    (tmp_path / "text.png").write_text("no picture")
    for kind in ("people", "outlines"):
        plan = Observation.plan(tmp_path, kind, [tmp_path / "text.png"], [FAKE])
        with pytest.raises(BadInputError, match="text"):
            observe_here(plan)
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
    plan = Observation.plan(tmp_path, "people", pictures, [FAKE])

    def short(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, short)
        patch.setattr(Observation, "open", lambda _: plan)
        with pytest.raises(TransientError):
            observe(str(plan.folder), 0)
    observe(str(plan.folder), 0)
    assert plan.missing() == []


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize(("kind", "dataset"), [("segmentation", "pennfudan"), ("attributes", "mit")])
def test_a_second_evaluation_looks_at_nothing_and_says_the_same(
    kind: str, dataset: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    asked = EvaluationRequest(kind, dataset, request.getfixturevalue(dataset))
    first = evaluate(asked, FAKE, tmp_path / "out")

    def nothing(observation: Observation) -> None:
        assert not observation.missing()

    second = evaluate(asked, FAKE, tmp_path / "out", carry_out=nothing)
    assert {**first, "about": 0} == {**second, "about": 0}


def test_workers_elsewhere_need_a_folder_that_they_see(tmp_path: Path) -> None:
    far = FAKE.model_copy(update={"machine": MachineConfig(scheduler="tcp://10.0.0.5:8786")})
    with pytest.raises(BadConfigError, match="--out"):
        evaluate(EvaluationRequest("attributes", "mit", tmp_path), far)


def test_one_shard_is_done_here(
    pictures: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with observing(MachineConfig()) as carry_out:
        Observer(tmp_path, carry_out).people(pictures, [FAKE])
    assert "6 pictures, 1 of 1 shards to do" in capsys.readouterr().err
    assert not list(tmp_path.rglob("prefect-server.log"))
