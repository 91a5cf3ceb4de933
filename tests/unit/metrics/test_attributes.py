"""Label-based and instance-based metrics against loops that count one answer after the other, and states
against the whole.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from par_core.errors import BadInputError
from par_core.metrics.attributes import attribute_metrics, convention
from par_core.metrics.instance_based import InstanceSums
from par_core.metrics.label_based import LabelCounts, balanced_accuracy, known_items

NAN = math.nan


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels, uncertain and unknown ones among them, and predictions; perhaps without people."""
    shape = (
        draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6))
        if draw(st.integers(0, 9))
        else (0, 3)
    )
    labels = draw(hnp.arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0, 1.0, 2.0, NAN])))
    return labels, draw(hnp.arrays(np.bool_, shape))


def over(part: float, whole: float) -> float:
    return part / whole if whole else NAN


def counted(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Figures of one attribute, counted person by person."""
    tp = fp = tn = fn = 0
    for label, said in zip(labels.tolist(), predicted.tolist(), strict=True):
        if math.isnan(label):
            continue
        tp, fp = tp + (label == 1 and said), fp + (label != 1 and said)
        tn, fn = tn + (label != 1 and not said), fn + (label == 1 and not said)
    precision = 0.0 if fn and not tp + fp else over(tp, tp + fp)
    recall, true_negative_rate = over(tp, tp + fn), over(tn, tn + fp)
    f1 = NAN if tp + fp + fn == 0 else 0.0 if tp == 0 else 2 / (1 / precision + 1 / recall)
    ma = (recall + true_negative_rate) / 2
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "ma": ma,
        "accuracy": over(tp + tn, tp + fp + tn + fn),
        "known": tp + fp + tn + fn,
    }


@given(answers())
def test_each_attribute_is_scored_as_by_counting(given: tuple[np.ndarray, np.ndarray]) -> None:
    counts = LabelCounts.of(*given)
    each = [counted(labels, predicted) for labels, predicted in zip(given[0].T, given[1].T, strict=True)]
    for name in ("precision", "recall", "f1", "ma", "accuracy", "known"):
        np.testing.assert_allclose(getattr(counts, name), [row[name] for row in each], err_msg=name)
    defined = [row["ma"] for row in each if not math.isnan(row["ma"])]
    np.testing.assert_allclose(counts.mean_ma, sum(defined) / len(defined) if defined else NAN)
    for labels, predicted, ma in zip(given[0].T, given[1].T, counts.ma, strict=True):
        np.testing.assert_allclose(
            balanced_accuracy(
                *known_items(labels, predicted.astype(float))[:1], predicted[~np.isnan(labels)]
            ),
            ma,
        )


@given(answers())
def test_images_are_scored_as_sets_of_names(given: tuple[np.ndarray, np.ndarray]) -> None:
    accuracy, precision, recall = [], [], []
    for labels, predicted in zip(*given, strict=True):
        known = {i for i, label in enumerate(labels) if not math.isnan(label)}
        truth, said = {i for i in known if labels[i] == 1}, {i for i in known if predicted[i]}
        if known:
            accuracy.append(len(truth & said) / len(truth | said) if truth | said else 0.0)
            precision.append(len(truth & said) / len(said) if said else 0.0)
            recall.append(len(truth & said) / len(truth) if truth else 0.0)
    figures, n = attribute_metrics(*given), len(accuracy)
    mean_precision, mean_recall = over(sum(precision), n), over(sum(recall), n)
    together = mean_precision + mean_recall
    wanted = {"accuracy": over(sum(accuracy), n), "precision": mean_precision, "recall": mean_recall}
    wanted["f1"] = 2 * mean_precision * mean_recall / together if together else 0.0
    np.testing.assert_allclose([figures[name] for name in wanted], list(wanted.values()))
    np.testing.assert_equal(figures["mA"], float(LabelCounts.of(*given).mean_ma))


@given(answers(), st.integers(0, 6))
def test_parts_add_up_to_the_whole(given: tuple[np.ndarray, np.ndarray], cut: int) -> None:
    labels, predicted = given
    for state in (LabelCounts, InstanceSums):
        together = state.of(labels[:cut], predicted[:cut]) + state.of(labels[cut:], predicted[cut:])
        np.testing.assert_allclose(together.sums, state.of(labels, predicted).sums, err_msg=state.__name__)


def test_the_five_figures_by_hand() -> None:
    labels = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0]], float)
    figures = attribute_metrics(labels, np.array([[1, 0, 1], [0, 0, 0], [1, 0, 0]], bool))
    assert figures["accuracy"] == pytest.approx((1 / 3 + 0 + 1) / 3)
    assert figures["precision"] == figures["recall"] == figures["f1"] == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert figures["mA"] == pytest.approx((1.0 + 0.5) / 2)  # no person has the third


def test_an_image_without_attributes_scores_nothing_even_if_all_is_right() -> None:
    figures = attribute_metrics(np.zeros((1, 3)), np.zeros((1, 3), bool))
    assert (figures["accuracy"], figures["precision"], figures["recall"], figures["f1"]) == (0, 0, 0, 0)
    assert math.isnan(figures["mA"])


def test_f1_comes_from_the_means_not_from_the_images() -> None:
    labels, predicted = (
        np.array([[1, 0, 0, 0], [1, 1, 1, 1]], float),
        np.array([[1, 1, 1, 1], [1, 0, 0, 0]], bool),
    )
    # the mean of the images' F1 would be 0.4
    assert attribute_metrics(labels, predicted)["f1"] == pytest.approx(0.625)


def test_a_rare_attribute_never_predicted_is_accurate_but_has_half_of_ma() -> None:
    labels = np.zeros((1000, 1))
    labels[:3] = 1
    counts = LabelCounts.of(labels, np.zeros((1000, 1), bool))
    assert [
        float(value[0]) for value in (counts.precision, counts.recall, counts.f1, counts.ma, counts.accuracy)
    ] == [0, 0, 0, 0.5, 0.997]
    assert (counts.positives[0], counts.known[0]) == (3, 1000)


def test_what_is_unknown_changes_nothing() -> None:
    labels, predicted = np.array([[1, 0], [0, 1.0]]), np.array([[True, True], [False, True]])
    wider = np.array([[1, 0, NAN], [0, 1, NAN], [NAN, NAN, NAN]])
    assert attribute_metrics(
        wider, np.pad(predicted, ((0, 1), (0, 1)), constant_values=True)
    ) == attribute_metrics(labels, predicted)
    assert InstanceSums.of(wider, np.ones((3, 3), bool)).images == 2


def test_a_label_that_is_no_label_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"1 are not, the first is -1"):
        LabelCounts.of(np.array([[-1.0], [NAN], [2.0]]), np.zeros((3, 1), bool))


def test_the_convention_is_one_sentence_that_names_the_threshold() -> None:
    assert "exceeds 0.5; mA" in convention()
    # of "et al."
    assert convention("it reaches its own threshold").count(". ") == convention().count(". ") == 2
