import numpy as np

from par_core.datasets.merged_labels import NAMES
from par_core.metrics.calibration import calibration_error
from par_core.metrics.label_based import balanced_accuracy
from par_core.training.calibration import cross_fitted, fit_answers, fit_shipped

FEMALE, HAT = NAMES.index("female"), NAMES.index("hat")


def people(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are twice too steep and far too high, and labels: one in seven has it."""
    chance = np.random.default_rng(0)
    logits = chance.normal(-2.5, 1.5, n)
    labels = (chance.random(n) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    return (2 * logits + 3).astype(np.float32), labels


def test_probabilities_that_are_too_high_come_down_to_the_share_of_those_who_have_it() -> None:
    logits, labels = people(4_000)
    nothing_known = np.full(len(labels), np.nan, np.float32)
    answers = fit_answers(
        ["hat", "bag"], np.stack([logits, logits], axis=1), np.stack([labels, nothing_known], axis=1)
    )
    np.testing.assert_allclose((answers.scales[0], answers.offsets[0]), (0.5, -1.5), atol=0.2)
    assert (answers.scales[1], answers.offsets[1], answers.thresholds[1]) == (1.0, 0.0, 0.5)
    probabilities = answers.probabilities(np.stack([logits, logits], axis=1))[:, 0]
    assert (
        calibration_error(labels == 1, probabilities)
        < 0.03
        < 0.1
        < calibration_error(labels == 1, 1 / (1 + np.exp(-logits)))
    )


def test_the_prevalence_as_threshold_gives_nearly_the_best_ma() -> None:
    logits, labels = people(4_000)
    answers = fit_answers(["hat"], logits[:, None], labels[:, None])
    probabilities, has = answers.probabilities(logits[:, None])[:, 0], labels == 1
    best = max(balanced_accuracy(has, probabilities >= cut) for cut in np.linspace(0.01, 0.99, 99))
    assert abs(answers.thresholds[0] - labels.mean()) < 1e-6
    assert (
        balanced_accuracy(has, probabilities >= answers.thresholds[0])
        > best - 0.02
        > balanced_accuracy(has, probabilities >= 0.5)
    )


def test_the_cross_fit_judges_no_person_by_their_own_label() -> None:
    chance = np.random.default_rng(1)
    labels = (chance.random((60, 1)) < 0.5).astype(np.float32)
    _, predicted = cross_fitted(["hat"], chance.normal(size=(60, 1)).astype(np.float32), labels)
    assert balanced_accuracy(labels[:, 0] == 1, predicted[:, 0]) < 0.65  # noise stays noise


def test_the_threshold_of_gender_holds_for_both_data_sets() -> None:
    """Men of the second set have logits that are those of women of the first."""
    chance = np.random.default_rng(2)
    women = np.repeat([False, True, False, True], [300, 60, 20, 200])
    centre = np.repeat([-3.0, 0.5, -1.0, 3.0], [300, 60, 20, 200])
    logits = np.zeros((580, len(NAMES)), np.float32)
    logits[:, FEMALE] = centre + chance.normal(0, 0.4, 580)
    labels = np.full((580, len(NAMES)), np.nan, np.float32)
    labels[:, FEMALE] = women
    sets = np.repeat(["mit", "ccp"], [360, 220])
    answers = fit_shipped(logits, labels, list(sets))
    woman = answers.probabilities(logits)[:, FEMALE] >= answers.thresholds[FEMALE]
    for name in ("mit", "ccp"):
        assert balanced_accuracy(women[sets == name], woman[sets == name]) > 0.95
    assert answers.thresholds[NAMES.index("hat")] == 0.5, "nothing is known of hats"


def test_a_filter_is_stricter_than_the_prevalence() -> None:
    logits, labels = people(4_000)
    columns, known = (np.zeros((4_000, len(NAMES)), np.float32) for _ in range(2))
    columns[:, HAT], known[:] = logits, np.nan
    known[:, HAT] = labels
    shipped = fit_shipped(columns, known, ["ccp"] * 4_000)
    assert shipped.thresholds[HAT] > labels.mean() + 0.03
    plain = fit_answers(NAMES, columns, known)
    assert (shipped.scales, shipped.offsets) == (plain.scales, plain.offsets)
