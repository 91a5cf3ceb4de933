"""Who is learned from and who is scored on."""

from pathlib import Path

import pytest

from flows.training import plan_jobs
from par_core.datasets.attribute_sets import AttributeSet
from par_core.datasets.merged_labels import LabelledPerson
from par_core.datasets.outlines import Photo
from par_core.errors import BadConfigError
from par_core.metrics.runs import summary
from par_core.training.job_data import split_people
from par_core.training.job_settings import TrainingJob, as_job
from par_core.training.segmentation_data import shuffled_split

PEOPLE = tuple(
    LabelledPerson("made up", Path(f"{i}.jpg"), None, (float(i % 2),), (1.0,), ()) for i in range(60)
)
IDENTITIES = tuple(f"{i // 3:04}" for i in range(60))


def job(**settings: object) -> TrainingJob:
    return TrainingJob.model_validate(
        {"what": "attributes", "dataset": "made up", "root": ".", "out": "out", **settings}
    )


def number(person: LabelledPerson) -> int:
    return int(person.image.stem)


def test_the_official_split_is_taken_and_the_test_part_left_alone() -> None:
    data = AttributeSet(
        "made up",
        ("hat",),
        PEOPLE,
        (),
        {"train": tuple(range(40)), "val": tuple(range(40, 50)), "test": tuple(range(50, 60))},
    )
    split = split_people(job(), data)
    train, kept = split.train, split.kept
    assert split.judged == []
    assert [number(person) for person in train] == list(range(40))
    assert [number(person) for person in kept] == list(range(40, 50))


def test_folds_cover_each_person_once_and_never_share_an_identity() -> None:
    data = AttributeSet(
        "made up", ("hat",), PEOPLE, IDENTITIES, {"train": tuple(range(48)), "test": tuple(range(48, 60))}
    )
    seen: list[int] = []
    for fold in range(5):
        split = split_people(job(fold=fold, folds=5, seed=3), data)
        train, kept = (*split.train, *split.kept), split.judged
        assert {IDENTITIES[number(person)] for person in train}.isdisjoint(
            IDENTITIES[number(person)] for person in kept
        )
        assert len(train) + len(kept) == 48
        seen += [number(person) for person in kept]
    assert sorted(seen) == list(range(48))


def test_the_unknown_are_not_taken_for_one_person() -> None:
    data = AttributeSet("made up", ("hat",), PEOPLE, ("",) * 60, {})
    split = split_people(job(), data)
    assert [len(people) for people in (split.train, split.kept)] == [51, 9]


def test_another_seed_keeps_others_back() -> None:
    data = AttributeSet("made up", ("hat",), PEOPLE, (), {})
    first, second, again = (
        {number(person) for person in split_people(job(seed=seed), data).kept} for seed in (0, 1, 0)
    )
    assert first != second
    assert first == again
    assert len(first) == 9


def test_photographs_are_split_by_source_and_some_are_always_kept() -> None:
    photos = {"coco": [Photo("coco-json", Path(f"{i}.jpg"), None) for i in range(4)], "empty": []}
    split = shuffled_split(photos, 0.15, 0)
    assert (len(split.train["coco"]), len(split.choose["coco"])) == (3, 1)
    with pytest.raises(BadConfigError, match="too few photographs with people"):
        shuffled_split({"coco": photos["coco"][:1], "empty": []}, 0.15, 0)


def test_seeds_and_folds_become_jobs_with_folders_of_their_own() -> None:
    assert list(plan_jobs({}, Path("runs/a"), [0], None)) == ["a"]
    assert [each["out"] for each in plan_jobs({}, Path("runs"), [0, 7], None).values()] == [
        "runs/seed-0",
        "runs/seed-7",
    ]
    assert [each["fold"] for each in plan_jobs({}, Path("runs"), [0], 3).values()] == [0, 1, 2]
    with pytest.raises(BadConfigError, match="not both"):
        plan_jobs({}, Path("runs"), [0, 1], 3)


def test_mean_and_standard_deviation_over_runs() -> None:
    over_runs = summary([{"mA": 0.7, "f1": 0.5}, {"mA": 0.9, "f1": 0.5, "extra": 1.0}])
    assert over_runs["mean"] == pytest.approx({"mA": 0.8, "f1": 0.5})
    assert over_runs["std"] == pytest.approx({"mA": 0.1, "f1": 0.0})


def test_wrong_settings_are_one_clear_line() -> None:
    with pytest.raises(BadConfigError, match=r"steps: .*got 0.*colour: Extra inputs"):
        as_job({"what": "attributes", "dataset": "ccp", "root": ".", "out": ".", "steps": 0, "colour": "red"})


def test_a_figure_that_a_run_cannot_give_has_neither_mean_nor_deviation() -> None:
    over_runs = summary([{"mA": float("nan")}, {"mA": float("nan")}])
    assert str(over_runs) == "{'mean': {'mA': nan}, 'std': {'mA': nan}}"
