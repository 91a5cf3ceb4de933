"""Figures of people read by their faces: the rows of the paper's Table 2, coverage, ages, heights, backs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float32

from par_core.evaluate.faces.labels import PAPER_AGES, ages_in
from par_core.evaluate.faces.readings import Readings
from par_core.metrics.bootstrap import Interval, bootstrap_difference, bootstrap_sums
from par_core.metrics.label_based import LabelCounts, balanced_accuracy, label_terms
from par_core.metrics.ranking import roc_auc

__all__ = [
    "EVERYBODY",
    "FACES",
    "METRICS",
    "PAR_ALL",
    "PAR_FACES",
    "WHOLE",
    "Judged",
    "age_rows",
    "age_spread",
    "agreement",
    "back_rates",
    "band",
    "changed_answers",
    "gender_rows",
    "height_bands",
    "share",
]

#: Rows of gender.
EVERYBODY: Final = "faces, everybody"
WHOLE: Final = "with answers from the whole picture"
FACES: Final = "faces, of people with one"
PAR_ALL: Final = "PAR, everybody"
PAR_FACES: Final = "PAR, of people with a face"
#: Name of each metric, and its name among those of :class:`LabelCounts`.
METRICS: Final = {
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "mA": "ma",
    "accuracy": "accuracy",
}
_WOMAN: Final = 0.5
_BANDS: Final = 10
_LEAST: Final = 20  # people a band


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of n people beside their faces.

    Attributes:
        woman: 1 for women, 0 for men, NaN; None if nobody's gender is labelled.
        par: PAR's probability that a person is a woman; None if its describer does not know.
        threshold: Probability from which PAR says woman.
        groups: Identity of each person; None draws single people.
        seed: Seed of the draws.
    """

    woman: Float32[np.ndarray, " n"] | None
    par: Float32[np.ndarray, " n"] | None
    threshold: float
    groups: tuple[str, ...] | None
    seed: int

    def interval_of(self, has: np.ndarray, says: np.ndarray, rows: np.ndarray, metric: str) -> Interval:
        """Return a metric of answers to one question, on some of the people, with its interval."""
        terms = label_terms(has[rows, None], says[rows, None])
        return bootstrap_sums(
            terms,
            lambda sums: getattr(LabelCounts(sums), METRICS[metric])[..., 0],
            self.drawn(rows),
            seed=self.seed,
        )

    def drawn(self, rows: np.ndarray) -> list[str] | None:
        """Return the group of each of some people."""
        return None if self.groups is None else [self.groups[i] for i in rows]


def share(judged: Judged, of: Bool[np.ndarray, " n"], rows: np.ndarray) -> Interval:
    """Return the share of some people of whom something is true, with its interval."""
    terms = np.stack([of[rows], np.ones(len(rows))], axis=1).astype(np.float64)
    return bootstrap_sums(
        terms, lambda sums: sums[..., 0] / sums[..., 1], judged.drawn(rows), seed=judged.seed
    )


def gender_rows(readings: Readings, judged: Judged) -> tuple[dict[str, Any], dict[str, Interval]]:
    """Compute the rows of gender, with women as the positive class.

    Returns:
        By row: ``samples`` (women), ``people``, the metrics, ``auc`` where everybody has an answer, and
        ``mA_no_answer_wrong`` of faces, in which somebody without a face is an error of either class; and
        intervals by row and metric, and of the difference between faces and PAR in mA.
    """
    assert judged.woman is not None
    has, answered = judged.woman, readings.answered
    known = np.flatnonzero(~np.isnan(has))
    with_face = np.flatnonzero(~np.isnan(has) & answered)
    says = readings.woman > _WOMAN  # False where there is no answer
    table: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray | None]] = {
        EVERYBODY: (says, known, None),
        FACES: (says, with_face, readings.woman),
    }
    if not np.isnan(readings.whole_woman).all():
        table[WHOLE] = (says | (readings.whole_woman > _WOMAN), known, None)
    if judged.par is not None:
        par = judged.par >= judged.threshold
        table |= {PAR_ALL: (par, known, judged.par), PAR_FACES: (par, with_face, judged.par)}
    rows: dict[str, Any] = {}
    intervals: dict[str, Interval] = {}
    for name, (answers, people, p) in table.items():
        found = {metric: judged.interval_of(has, answers, people, metric) for metric in METRICS}
        intervals |= {f"{name}: {metric}": interval for metric, interval in found.items()}
        rows[name] = {
            "samples": int((has[people] == 1).sum()),
            "people": len(people),
            **{metric: interval.estimate for metric, interval in found.items()},
        }
        if p is not None:
            rows[name]["auc"] = roc_auc(has[people] == 1, p[people])
    right = answered & (says == (has == 1))
    rows[EVERYBODY]["mA_no_answer_wrong"] = balanced_accuracy(
        has[known] == 1, np.where(right, has == 1, has != 1)[known]
    )
    if judged.par is not None:
        for name, people in (("everybody", known), ("people with a face", with_face)):
            intervals[f"faces less PAR in mA, {name}"] = bootstrap_difference(
                label_terms(has[people, None], says[people, None]),
                label_terms(has[people, None], par[people, None]),
                lambda sums: LabelCounts(sums).ma[..., 0],
                judged.drawn(people),
                seed=judged.seed,
            )
    return rows, intervals


def age_rows(
    readings: Readings, labels: Mapping[str, tuple[np.ndarray, tuple[int, int]]], judged: Judged
) -> tuple[dict[str, Any], dict[str, Interval]]:
    """Compute a row for each labelled group of ages: everybody (who has no face is in no group), and people
    with a face.

    Args:
        readings: What the faces say.
        labels: By name of the attribute its labels (1, 0, NaN) and its first and last year.
        judged: Groups and seed.

    Returns:
        By attribute: ``samples``, ``people``, ``first_year``, ``last_year`` and, for ``everybody`` and
        ``with_face``, the metrics; accuracy is plain, mA is balanced. And intervals of mA and accuracy.
    """
    rows: dict[str, Any] = {}
    intervals: dict[str, Interval] = {}
    for name, (has, years) in labels.items():
        says = ages_in(readings.age, years)
        known = np.flatnonzero(~np.isnan(has))
        with_face = np.flatnonzero(~np.isnan(has) & readings.answered)
        rows[name] = {
            "samples": int((has[known] == 1).sum()),
            "people": len(known),
            "first_year": years[0],
            "last_year": years[1],
        }
        for which, people in (("everybody", known), ("with_face", with_face)):
            found = {metric: judged.interval_of(has, says, people, metric) for metric in METRICS}
            rows[name][which] = {metric: interval.estimate for metric, interval in found.items()}
            intervals |= {f"{name}, {which}: {metric}": found[metric] for metric in ("mA", "accuracy")}
    return rows, intervals


def age_spread(readings: Readings) -> dict[str, Any]:
    """Return the median and the 10 % and 90 % quantiles of the ages that faces say, and how many are in each
    group of the paper.
    """
    ages = readings.age[readings.answered].astype(np.float64)
    if not len(ages):
        return {}
    low, middle, high = np.quantile(ages, [0.1, 0.5, 0.9])
    groups = {name: int(ages_in(ages, years).sum()) for name, years in PAPER_AGES.items()}
    return {"p10": float(low), "median": float(middle), "p90": float(high), "groups": groups}


def back_rates(
    readings: Readings, behind: Float32[np.ndarray, " n"], judged: Judged
) -> tuple[dict[str, Any], dict[str, Interval]]:
    """Return how many people are seen from behind and not, and the share of each with a face."""
    rows: dict[str, Any] = {}
    intervals: dict[str, Interval] = {}
    for name, value in (("from behind", 1), ("others", 0)):
        people = np.flatnonzero(behind == value)
        if len(people):
            intervals[f"with a face, {name}"] = interval = share(judged, readings.answered, people)
            rows[name] = {"people": len(people), "with_face": interval.estimate}
    return rows, intervals


def height_bands(readings: Readings, judged: Judged) -> list[dict[str, Any]]:
    """Compute coverage, and mA of the answered, for people of about the same height, in ascending order.

    Returns:
        Up to ten bands of nearly equal size, at least 20 people each: ``low`` and ``high`` in pixels,
        ``people``, ``coverage``, and ``mA``, ``accuracy`` and ``recall`` (of women) of people with a face,
        each with its interval.
    """
    order = np.argsort(readings.height, kind="stable")
    count = max(1, min(_BANDS, len(order) // _LEAST))
    return [band(readings, judged, rows) for rows in np.array_split(order, count) if len(rows)]


def band(readings: Readings, judged: Judged, rows: np.ndarray) -> dict[str, Any]:
    """Compute the figures of some people."""
    heights, faces = readings.height[rows], readings.face_height[rows]
    figures: dict[str, Any] = {
        "low": float(heights.min()),
        "high": float(heights.max()),
        "people": len(rows),
        "coverage": asdict(share(judged, readings.answered, rows)),
        "median_face": float(np.nanmedian(faces)) if not np.isnan(faces).all() else float("nan"),
    }
    if judged.woman is not None:
        people = rows[~np.isnan(judged.woman[rows]) & readings.answered[rows]]
        for metric in ("mA", "accuracy", "recall"):
            interval = judged.interval_of(judged.woman, readings.woman > _WOMAN, people, metric)
            figures[metric] = asdict(interval)
    return figures


def changed_answers(readings: Readings, smaller: Readings) -> dict[str, float]:
    """Compare the answers for shrunk people with those for the same people as they are.

    Returns:
        Of people with a face in both: ``says_woman``, the share that the faces of the shrunk call women, and
        ``same_as_unshrunk``, the share whose answer stays; NaN if there are none.
    """
    both = readings.answered & smaller.answered
    if not both.any():
        return {"says_woman": float("nan"), "same_as_unshrunk": float("nan")}
    says = smaller.woman[both] > _WOMAN
    stays = says == (readings.woman[both] > _WOMAN)
    return {"says_woman": float(says.mean()), "same_as_unshrunk": float(stays.mean())}


def agreement(readings: Readings, judged: Judged, rows: Sequence[int] | np.ndarray) -> dict[str, Any]:
    """Return how often faces and PAR say woman, and how often they say the same, of people with a face."""
    assert judged.par is not None
    faces, par = readings.woman[rows] > _WOMAN, judged.par[rows] >= judged.threshold
    return {
        "people": len(rows),
        "faces_say_woman": float(faces.mean()),
        "par_says_woman": float(par.mean()),
        "same": float((faces == par).mean()),
    }
