"""Splits by people, and what official splits share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.datasets.splits import identity_disjoint_split, identity_report
from par_core.errors import BadConfigError


def crowd(people: int, images: int, k: int = 3, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Everybody on at least one image; labels are by person, as in the published data sets."""
    rng = np.random.default_rng(seed)
    who = np.concatenate([np.arange(people), rng.integers(0, people, images - people)])
    return [f"{number:04}" for number in who], rng.integers(0, 2, (people, k))[who].astype(np.float32)


@given(st.integers(5, 60), st.integers(0, 100), st.integers(0, 5))
def test_every_person_is_in_exactly_one_part(people: int, more: int, seed: int) -> None:
    identities, labels = crowd(people, people + more, seed=seed)
    parts = identity_disjoint_split(identities, labels, seed=seed)
    assert sorted(row for rows in parts.values() for row in rows) == list(range(people + more))
    report = identity_report(identities, parts)
    assert report.shared == {"train and val": 0, "train and test": 0, "val and test": 0}
    assert report.test_seen == 0


def test_people_are_shared_out_as_asked() -> None:
    identities, labels = crowd(100, 300)
    parts = identity_disjoint_split(identities, labels, shares=(0.5, 0.3, 0.2))
    assert [len({identities[row] for row in rows}) for rows in parts.values()] == [50, 30, 20]


def test_the_parts_are_alike_in_images_and_in_attributes() -> None:
    identities, labels = crowd(200, 2000)
    labels[:50, 0] = np.nan
    parts = identity_disjoint_split(identities, labels)
    assert [len(rows) / 2000 for rows in parts.values()] == pytest.approx([0.6, 0.2, 0.2], abs=0.03)
    rates = np.array([np.nanmean(labels[list(rows)], axis=0) for rows in parts.values()])
    assert np.ptp(rates, axis=0).max() < 0.05  # one draw in a hundred is below 0.075, half of them above 0.17


def test_the_same_seed_gives_the_same_split_and_another_another() -> None:
    identities, labels = crowd(60, 200)
    first, again, other = (identity_disjoint_split(identities, labels, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("identities", "shares", "message"),
    [
        (["a", "b"], (0.6, 0.2, 0.2), "2 people are too few"),
        (["a", "", "b"], (0.6, 0.2, 0.2), "image 2 shows somebody unknown"),
        (["a", "b", "c"], (0.6, 0.2, 0.3), "add up to 1"),
        (["a", "b", "c"], (0.8, 0.2, 0.0), "must be positive"),
    ],
)
def test_data_that_cannot_be_split_are_refused(
    identities: list[str], shares: tuple[float, float, float], message: str
) -> None:
    with pytest.raises(BadConfigError, match=message):
        identity_disjoint_split(identities, np.zeros((len(identities), 1), np.float32), shares=shares)


def test_people_in_two_parts_are_counted_and_the_unknown_left_out() -> None:
    identities = ["a", "b", "", "a", "c", "a", "b", "d", ""]
    report = identity_report(identities, {"train": (0, 1, 2), "val": (3, 4), "test": (5, 6, 7, 8)})
    assert (report.people, report.images) == (4, 7)
    assert report.shared == {"train and val": 1, "train and test": 2, "val and test": 1}
    assert report.test_seen == pytest.approx(2 / 3)


def test_without_a_split_or_known_people_there_is_no_share() -> None:
    assert identity_report(["a", "b"], {}).test_seen is None
    assert identity_report(["a", ""], {"train": (0,), "test": (1,)}).test_seen is None
    assert identity_report(["a", "a"], {"val": (0,), "test": (1,)}).test_seen is None
