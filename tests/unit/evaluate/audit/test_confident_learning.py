"""Confident learning, the probe that gives it probabilities, and the count of planted labels it finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from par_core.errors import BadConfigError, BadInputError
from par_core.evaluate import probe
from par_core.evaluate.audit.confident_learning import audit_labels
from par_core.evaluate.audit.planting import count_found, plant
from par_core.evaluate.probe import group_folds, out_of_fold

NAN = float("nan")
SEEDS = st.integers(0, 2**32 - 1)


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float64)[:, None]


def random_labels(seed: int, n: int = 40, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, k)).astype(np.float64)
    labels[rng.random((n, k)) < 0.2] = NAN
    return labels, rng.random((n, k))


def separable(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Features, and labels of two attributes that follow from them, one of them rare."""
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.random(n) < 0.5, rng.random(n) < 0.15], axis=1)
    features = rng.normal(size=(n, 12))
    features[:, :2] += 6 * labels
    return features, labels.astype(np.float64)


def slow_listed(labels: np.ndarray, probabilities: np.ndarray) -> list[bool]:
    """The paper's equations 1 and 2 for one attribute, in words of one syllable."""
    known = [i for i in range(len(labels)) if labels[i] == labels[i] and probabilities[i] == probabilities[i]]
    of = lambda i, kind: probabilities[i] if kind else 1 - probabilities[i]  # noqa: E731
    sure = {kind: [of(i, kind) for i in known if labels[i] == kind] for kind in (0, 1)}
    if not sure[0] or not sure[1]:
        return [False] * len(labels)
    mean = {kind: min(float(np.mean(sure[kind])), max(sure[kind])) for kind in (0, 1)}
    listed = [False] * len(labels)
    for i in known:
        confident = [kind for kind in (0, 1) if of(i, kind) >= mean[kind]]
        own = int(labels[i])
        listed[i] = (
            bool(confident)
            and max(confident, key=lambda kind, i=i, own=own: (of(i, kind), kind == own)) != own
        )  # type: ignore[misc]
    return listed


def test_labels_with_which_every_probability_agrees_list_nothing_and_have_no_noise() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (60, 4)).astype(np.float64)
    audit = audit_labels(labels, np.where(labels == 1, 0.51, 0.0) + 0.49 * rng.random((60, 4)))
    assert not audit.listed.any()
    assert audit.noise_rates.tolist() == [0.0] * 4
    assert audit.joint[:, 1, 1].tolist() == pytest.approx(labels.mean(axis=0).tolist())


@given(SEEDS)
def test_what_is_listed_is_what_a_plain_reading_of_the_paper_lists(seed: int) -> None:
    labels, probabilities = random_labels(seed)
    audit = audit_labels(labels, probabilities)
    assert audit.listed.T.tolist() == [
        slow_listed(y, p) for y, p in zip(labels.T, probabilities.T, strict=True)
    ]


def test_the_joint_distribution_of_a_small_case_is_the_one_computed_by_hand() -> None:
    audit = audit_labels(column(0, 0, 0, 0, 0, 1, 1), column(0.1, 0.1, 0.2, 0.4, 0.9, 0.9, 0.6))
    assert audit.thresholds[0] == pytest.approx([0.66, 0.75])
    # who is confidently nothing counts in no cell: the fourth, the last
    assert audit.listed[:, 0].tolist() == [False] * 4 + [True] + [False] * 2
    assert audit.joint[0] == pytest.approx(np.array([[5 / 7 * 3 / 4, 5 / 7 / 4], [0, 2 / 7]]))
    assert audit.noise_rates[0] == pytest.approx(5 / 28)
    assert audit.margins[:, 0] == pytest.approx([0.8, 0.8, 0.6, 0.2, -0.8, 0.8, 0.2])
    assert audit.ranking()[0] == 4


def test_people_who_are_all_alike_reach_their_own_mean_whatever_the_rounding() -> None:
    assert np.mean([0.1] * 3) > 0.1
    audit = audit_labels(column(1, 1, 1, 0, 0, 0), column(0.1, 0.1, 0.1, 0.05, 0.05, 0.05))
    assert audit.joint[0].sum() == pytest.approx(1)
    assert not audit.listed.any()


def test_the_listed_come_first_and_each_kind_by_margin() -> None:
    labels, probabilities = random_labels(7, n=200)
    audit = audit_labels(labels, probabilities)
    ranking = audit.ranking()
    listed, margins = audit.listed.ravel()[ranking], audit.margins.ravel()[ranking]
    count = int(audit.listed.sum())
    assert listed.tolist() == [True] * count + [False] * (len(ranking) - count)
    assert (np.diff(margins[:count]) >= 0).all()
    assert (np.diff(margins[count:]) >= 0).all()
    assert sorted(ranking.tolist()) == np.flatnonzero(audit.audited.ravel()).tolist()


@given(SEEDS)
def test_the_order_of_people_changes_nothing(seed: int) -> None:
    labels, probabilities = random_labels(seed)
    order = np.random.default_rng(seed).permutation(len(labels))
    audit, moved = audit_labels(labels, probabilities), audit_labels(labels[order], probabilities[order])
    assert np.array_equal(audit.listed[order], moved.listed)
    assert np.array_equal(audit.margins[order], moved.margins, equal_nan=True)
    assert np.allclose(audit.joint, moved.joint, equal_nan=True)


@given(SEEDS)
def test_unknown_labels_and_missing_probabilities_are_as_if_they_were_not_there(seed: int) -> None:
    labels, probabilities = random_labels(seed, k=1)
    probabilities[::7] = NAN
    kept = ~np.isnan(labels[:, 0]) & ~np.isnan(probabilities[:, 0])
    audit, without = audit_labels(labels, probabilities), audit_labels(labels[kept], probabilities[kept])
    assert np.array_equal(audit.listed[kept], without.listed)
    assert not audit.listed[~kept].any()
    assert audit.audited[:, 0].tolist() == kept.tolist()
    assert np.allclose(audit.joint, without.joint, equal_nan=True)


def test_with_one_kind_of_label_only_nothing_is_listed_and_the_rate_is_unknown() -> None:
    audit = audit_labels(column(1, 1, NAN), column(0.1, 0.9, 0.5))
    assert not audit.listed.any()
    assert np.isnan(audit.noise_rates).all()


def test_labels_and_probabilities_of_another_kind_are_refused() -> None:
    with pytest.raises(BadInputError, match="a label is 0, 1 or NaN; 1 are not, the first is 2"):
        audit_labels(column(0, 2), column(0.5, 0.5))
    with pytest.raises(
        BadInputError, match=r"a probability is in \[0, 1\] or NaN; 1 are not, the first is 1.5"
    ):
        audit_labels(column(0, 1), column(0.5, 1.5))


@pytest.mark.parametrize("seed", range(3))
def test_planted_labels_are_found_where_features_tell_the_truth(seed: int) -> None:
    features, labels = separable(seed)
    planted = plant(labels, 0.02, seed)
    wrong = np.where(planted, 1 - labels, labels)
    audit = audit_labels(
        wrong, out_of_fold(features, wrong, group_folds([str(i) for i in range(len(labels))], 5, seed))
    )
    together, each = count_found(audit, wrong, planted)
    assert (together.known, together.planted, together.looked) == (800, 16, 40)
    assert together.share >= 0.9
    assert together.chance == pytest.approx(0.05)
    assert sum(one.planted for one in each) == 16
    assert audit.noise_rates.sum() == pytest.approx(0.04, abs=0.03)


def test_a_planted_label_that_could_not_be_audited_is_not_found() -> None:
    labels = np.array([[1.0, 1.0]] * 20 + [[0.0, NAN]] * 20)
    audit = audit_labels(labels, np.where(labels == 1, 0.9, 0.1) * np.array([1, NAN]))
    planted = np.zeros(labels.shape, bool)
    planted[0, 1] = True
    together, (first, second) = count_found(audit, labels, planted)
    assert (together.known, together.planted, together.looked, together.found) == (60, 1, 3, 0)
    assert (second.known, second.planted, second.looked, second.found) == (20, 1, 1, 0)
    assert np.isnan(first.share)
    assert np.isnan(first.chance)


def test_planting_turns_the_share_that_was_asked_for_and_only_known_labels() -> None:
    labels, _ = random_labels(0, n=500)
    planted = plant(labels, 0.02, 1)
    assert planted.sum() == round(0.02 * (~np.isnan(labels)).sum())
    assert not np.isnan(labels[planted]).any()
    assert np.array_equal(planted, plant(labels, 0.02, 1))
    assert not np.array_equal(planted, plant(labels, 0.02, 2))


@pytest.mark.parametrize(
    ("share", "message"),
    [(0.0, "between 0 and 0.5"), (0.5, "between 0 and 0.5"), (0.01, "of 3 known labels plants none")],
)
def test_a_share_that_plants_nothing_or_too_much_is_refused(share: float, message: str) -> None:
    with pytest.raises(BadConfigError, match=message):
        plant(column(0, 1, 1, NAN), share, 0)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=5, max_size=40), st.integers(2, 4), SEEDS)
def test_folds_never_share_a_group_and_do_not_depend_on_the_order(
    groups: list[str], folds: int, seed: int
) -> None:
    if len(set(groups)) < folds:
        with pytest.raises(BadConfigError, match="need as many groups"):
            group_folds(groups, folds, seed)
        return
    of = group_folds(groups, folds, seed)
    assert set(of.tolist()) == set(range(folds))
    assert all(
        len({int(fold) for fold, group in zip(of, groups, strict=True) if group == one}) == 1
        for one in set(groups)
    )
    assert group_folds(groups[::-1], folds, seed).tolist() == of[::-1].tolist()


def test_no_person_is_judged_by_a_probe_that_saw_the_label() -> None:
    features, labels = separable(0)
    folds = group_folds([str(i) for i in range(len(labels))], 5, 0)
    probabilities = out_of_fold(features, labels, folds)
    turned = labels.copy()
    turned[folds == 2] = 1 - turned[folds == 2]
    again = out_of_fold(features, turned, folds)
    assert np.array_equal(probabilities[folds == 2], again[folds == 2])
    assert not np.allclose(probabilities[folds == 1], again[folds == 1])


def test_the_features_of_a_fold_have_no_say_in_the_probe_that_judges_it() -> None:
    features, labels = separable(0)
    folds = group_folds([str(i) for i in range(len(labels))], 5, 0)
    probabilities = out_of_fold(features, labels, folds)
    first, other = np.flatnonzero(folds == 2)[:2]
    moved = features.copy()
    moved[other] *= 1000  # would change mean and deviation of everybody
    assert np.array_equal(probabilities[first], out_of_fold(moved, labels, folds)[first])


def test_features_on_any_scale_and_constant_ones_give_the_same_probabilities() -> None:
    features, labels = separable(1)
    folds = group_folds([str(i) for i in range(len(labels))], 5, 0)
    scaled = features * np.geomspace(0.01, 100, features.shape[1]) + 5
    assert np.allclose(out_of_fold(features, labels, folds), out_of_fold(scaled, labels, folds), atol=1e-6)
    assert np.isfinite(out_of_fold(np.column_stack([features, np.ones(len(features))]), labels, folds)).all()


def test_the_probe_is_the_logistic_regression_of_scikit_learn() -> None:
    features, labels = separable(2)
    features[:, :2] *= 0.2
    folds = np.arange(len(labels)) % 2
    probabilities = out_of_fold(features, labels, folds)[folds == 0, 0]
    train = features[folds == 1]
    scaled = (features - train.mean(axis=0)) / train.std(axis=0)
    theirs = LogisticRegression(C=probe._SPREAD**2 / features.shape[1], tol=1e-8, max_iter=1000).fit(
        scaled[folds == 1], labels[folds == 1, 0]
    )
    assert probabilities == pytest.approx(theirs.predict_proba(scaled[folds == 0])[:, 1], abs=1e-3)


def test_unknown_labels_teach_nothing_but_are_judged() -> None:
    features, labels = separable(3)
    folds = group_folds([str(i) for i in range(len(labels))], 5, 0)
    truth = labels[:, 0].copy()
    labels[::3, 0] = NAN
    probabilities = out_of_fold(features, labels, folds)[:, 0]
    assert ((probabilities > 0.5) == (truth == 1)).mean() > 0.98
    guessed = np.where(np.isnan(labels), 1, labels)
    assert ((out_of_fold(features, guessed, folds)[:, 0] > 0.5) == (truth == 1)).mean() < 0.98


def test_an_attribute_of_too_few_people_has_no_probabilities() -> None:
    features, labels = separable(4)
    labels[:, 1] = 0
    labels[:10, 1] = 1  # 10 in all, so fewer outside of a fold that holds one
    folds = np.arange(len(labels)) % 5
    probabilities = out_of_fold(features, labels, folds)
    assert np.isfinite(probabilities[:, 0]).all()
    assert np.isnan(probabilities[:, 1]).all()
