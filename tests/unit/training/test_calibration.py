import numpy as np

from par_core.training.calibration import recalibrate


def test_probabilities_that_are_too_high_come_down_to_the_share_of_those_who_have_it() -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(-1, 2, 2_000).astype(np.float32)
    labels = (chance.random(2_000) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    before = np.array([[2.0, 3.0], [1.0, 0.0]], np.float32)  # what was shipped: twice too steep and far too high
    shown = 1 / (1 + np.exp(-(2 * logits + 3)))
    unlabelled = np.full(2_000, np.nan, np.float32)
    after = recalibrate(before, np.stack([shown, shown], axis=1).astype(np.float32), np.stack([labels, unlabelled], axis=1))
    np.testing.assert_allclose(after[0], [1, 0], atol=0.2)
    np.testing.assert_array_equal(after[1], before[1])
