import numpy as np

from par_core.metrics.calibration import calibration_error
from par_core.metrics.label_based import balanced_accuracy
from par_core.training.calibration import cross_checked, fit_answers


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


def test_the_cross_check_judges_no_person_by_their_own_label() -> None:
    chance = np.random.default_rng(1)
    labels = (chance.random((60, 1)) < 0.5).astype(np.float32)
    scores = cross_checked(["hat"], chance.normal(size=(60, 1)).astype(np.float32), labels)
    assert scores["hat"]["mA"] < 0.65  # noise stays noise
