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


def look(there: People, asked: tuple[str, ...] = (), seed: int = 1) -> Survey:
    return survey_people(there, "", TEXT, choose_bounds(there, "", TEXT), seed, asked)


def test_strata_are_the_decades_of_rank() -> None:
    there = people(2_500)
    told = look(there)
    assert sum(told.people) == 2_500
    assert told.people == pytest.approx((100, 900, 1_500), abs=2)
    best = np.argsort(-(there.vectors @ TEXT))[: told.people[0]]
    assert set(told.waiting[0]) == {there.ids[row] for row in best}
    assert look(people(80)).people == (80,)
    assert look(people(0)).people == (0,)


def test_how_rows_are_cut_into_batches_changes_nothing() -> None:
    whole, cut = look(people(1_500)), look(people(1_500, batch=7))
    assert (whole.people, whole.digests, whole.waiting) == (cut.people, cut.digests, cut.waiting)
    np.testing.assert_allclose(whole.scale.middle, cut.scale.middle, atol=1e-12)
    np.testing.assert_allclose(
        whole.scale.spread, people(1_500).vectors.std(axis=0, dtype=np.float64), rtol=1e-6
    )


def test_the_random_order_depends_on_seed_and_id_and_on_nothing_else() -> None:
    there = people(300)
    first, second = look(there), look(there, seed=2)
    assert first.waiting != second.waiting
    assert [sorted(each) for each in first.waiting] == [sorted(each) for each in second.waiting]
    gone = first.waiting[1][3]
    fewer = look(there, asked=(gone,))
    assert fewer.waiting[1] == [each for each in first.waiting[1] if each != gone]
    np.testing.assert_array_equal(fewer.asked[gone], there.vectors[there.ids.index(gone)])
    assert fewer.digests == first.digests


def test_the_order_looks_random() -> None:
    """Ranks by the text of those drawn first are spread evenly."""
    there = people(4_000)
    ranks = dict(zip(there.ids, np.argsort(np.argsort(-(there.vectors @ TEXT))).tolist(), strict=True))
    drawn = np.array([ranks[each] for each in look(there).waiting[2][:500]])
    assert drawn.mean() == pytest.approx((1_000 + 4_000) / 2, abs=4 * 3_000 / np.sqrt(12 * 500))


def test_only_so_many_wait_and_they_are_the_first_of_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = look(people(500)).waiting
    monkeypatch.setattr(survey, "_WAITING", 20)
    assert look(people(500, batch=33)).waiting == tuple(each[:20] for each in everybody)


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
    nobody = np.zeros((0, 5), np.float32)
    np.testing.assert_allclose(
        probe_direction(TEXT, scale_of(people(400).vectors), nobody, np.zeros(0, bool)), TEXT, atol=1e-6
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
