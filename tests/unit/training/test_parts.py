"""Who trains, who chooses and who is reported on."""

from pathlib import Path

import pytest

from par_core.datasets.impressions import read_impressions
from par_core.datasets.merged_labels import NAMES, labelled_people
from par_core.training.attribute_data import read_people
from par_core.training.held_out import GENDER, lay_out
from par_core.training.parts import choosing
from par_core.training.segmentation_data import split_photos

FEMALE = NAMES.index("female")


def test_half_of_the_names_choose_and_always_the_same() -> None:
    names = [f"{i:04}.jpg" for i in range(101)]
    chosen = choosing(names)
    assert len(chosen) == 50
    assert chosen < set(names)
    assert choosing([*reversed(names), *names]) == chosen
    assert sorted(chosen) != sorted(names)[:50]


@pytest.mark.data
@pytest.mark.slow
def test_nobody_is_in_two_parts(data_dir: Path) -> None:
    people = read_people(data_dir)
    parts = [{person.image for person in part} for part in (people.train, people.choose, people.report)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 1677 + 712 + 1
    for part in (people.choose, people.report):
        assert {person.source for person in part} == {"ccp-pixels", "ccp-tags", "mit"}
    blocks = [
        {int(person.image.name[:5]) // 10 for person in part if person.source == "mit"}
        for part in (people.train, people.choose, people.report)
    ]
    assert sum(map(len, blocks)) == len(set().union(*blocks)), "neighbours stay together"
    photos = split_photos(data_dir)
    for source in photos.train:
        names = [
            {photo.image for photo in part[source]} for part in (photos.train, photos.choose, photos.report)
        ]
        assert sum(map(len, names)) == len(set().union(*names))
        assert abs(len(names[1]) - len(names[2])) <= 1
        assert {photo.image for photo in photos.held_out[source]} == names[1] | names[2]


@pytest.mark.data
@pytest.mark.slow
def test_the_parts_are_laid_out_with_the_impressions_of_gender(data_dir: Path, tmp_path: Path) -> None:
    lay_out(data_dir, tmp_path)
    people, impressions = read_people(data_dir), read_impressions(GENDER)
    for part, expected in (("choose", people.choose), ("report", people.report)):
        listed = labelled_people("ccp", tmp_path / part)
        assert [person.image.name for person in listed] == [
            person.image.name for person in expected if person.source != "mit"
        ]
        assert {person.image.name for person in listed} <= impressions.keys()
        assert {person.labels[FEMALE] for person in listed} >= {0.0, 1.0}, "men are known here"
        assert {person.weights[FEMALE] for person in listed} == {1.0}
        assert len(labelled_people("mit", tmp_path / part)) == sum(
            person.source == "mit" for person in expected
        )
    assert len(labelled_people("ccp", tmp_path / "all")) == len(impressions)
