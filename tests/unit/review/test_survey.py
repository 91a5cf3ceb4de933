import numpy as np
import pytest

from par_core.review import survey
from par_core.review.probe import Scale, probe_direction
from par_core.review.survey import Survey, choose_bounds, strata_of, survey_people
from tests.people_in_memory import People

TEXT = np.eye(5, dtype=np.float32)[0]


def people(n: int, batch: int = 1_000) -> People:
    vectors = np.random.default_rng(0).normal(size=(n, 5)).astype(np.float32)
    return People(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 0, batch)


def survey_of(archive: People, proposed: tuple[str, ...] = (), seed: int = 1) -> Survey:
    return survey_people(archive, "", TEXT, choose_bounds(archive, "", TEXT), seed, proposed)


def test_strata_are_the_decades_of_rank() -> None:
    archive = people(2_500)
    summary = survey_of(archive)
    assert sum(summary.people) == 2_500
    assert summary.people == pytest.approx((100, 900, 1_500), abs=2)
    best = np.argsort(-(archive.vectors @ TEXT))[: summary.people[0]]
    assert set(summary.waiting[0]) == {archive.ids[row] for row in best}
    assert survey_of(people(80)).people == (80,)
    assert survey_of(people(0)).people == (0,)


def test_how_rows_are_cut_into_batches_changes_nothing() -> None:
    whole, cut = survey_of(people(1_500)), survey_of(people(1_500, batch=7))
    assert (whole.people, whole.digests, whole.waiting) == (cut.people, cut.digests, cut.waiting)
    np.testing.assert_allclose(whole.scale.middle, cut.scale.middle, atol=1e-12)
    np.testing.assert_allclose(
        whole.scale.spread, people(1_500).vectors.std(axis=0, dtype=np.float64), rtol=1e-6
    )


def test_the_random_order_depends_on_seed_and_id_and_on_nothing_else() -> None:
    archive = people(300)
    first, second = survey_of(archive), survey_of(archive, seed=2)
    assert first.waiting != second.waiting
    assert [sorted(each) for each in first.waiting] == [sorted(each) for each in second.waiting]
    person_id = first.waiting[1][3]
    fewer = survey_of(archive, proposed=(person_id,))
    assert fewer.waiting[1] == [each for each in first.waiting[1] if each != person_id]
    np.testing.assert_array_equal(
        fewer.proposed_vectors[person_id], archive.vectors[archive.ids.index(person_id)]
    )
    assert fewer.digests == first.digests


def test_the_order_looks_random() -> None:
    """The people drawn first have evenly spread ranks by the text."""
    archive = people(4_000)
    ranks = dict(zip(archive.ids, np.argsort(np.argsort(-(archive.vectors @ TEXT))).tolist(), strict=True))
    drawn = np.array([ranks[person_id] for person_id in survey_of(archive).waiting[2][:500]])
    assert drawn.mean() == pytest.approx((1_000 + 4_000) / 2, abs=4 * 3_000 / np.sqrt(12 * 500))


def test_a_limited_number_waits_and_they_are_the_first_of_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    all_waiting = survey_of(people(500)).waiting
    monkeypatch.setattr(survey, "_WAITING", 20)
    assert survey_of(people(500, batch=33)).waiting == tuple(each[:20] for each in all_waiting)


def test_a_cosine_on_a_bound_belongs_to_the_better_side() -> None:
    assert strata_of(np.array([0.9, 0.5, 0.4999, 0.1, -1.0]), (0.5, 0.1)).tolist() == [0, 0, 1, 1, 2]


def scale_of(vectors: np.ndarray) -> Scale:
    cosines = vectors.astype(np.float64) @ TEXT
    return Scale(
        vectors.mean(axis=0, dtype=np.float64),
        vectors.std(axis=0, dtype=np.float64),
        float(cosines.mean()),
        float(cosines.std()),
    )


def test_before_any_answer_the_probe_is_the_text() -> None:
    no_people = np.zeros((0, 5), np.float32)
    np.testing.assert_allclose(
        probe_direction(TEXT, scale_of(people(400).vectors), no_people, np.zeros(0, bool)), TEXT, atol=1e-6
    )


@pytest.mark.parametrize("has", [True, False])
def test_answers_of_one_kind_turn_the_probe_towards_or_away(has: bool) -> None:
    vectors = people(400).vectors
    one = np.eye(5, dtype=np.float32)[2:3]
    turned = probe_direction(TEXT, scale_of(vectors), one, np.array([has]))
    assert np.linalg.norm(turned) == pytest.approx(1)
    assert (turned[2] > 0.02) if has else (turned[2] < -0.02)
    assert turned[0] > 0.9, "one answer is not the last word"


def test_many_answers_outweigh_a_text_that_is_wrong() -> None:
    vectors = people(400).vectors
    direction = probe_direction(TEXT, scale_of(vectors), vectors, vectors[:, 3] > 0.5)
    assert direction[3] > 3 * abs(direction[0])
