"""Every arm against the real people alone, by number of real people, over seeds and over test people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.stats import t as student

from par_core.errors import BadConfigError
from par_core.evaluate.made.arms import ARMS, MADE_ARMS, REAL, answers_of, arms_of
from par_core.evaluate.made.measures import Draws, Measure, Worn, measures
from par_core.evaluate.made.people import FeaturedPeople

__all__ = [
    "DECIDING",
    "HEADLINES",
    "Comparison",
    "Difference",
    "Trial",
    "compare_arms",
    "numbers_of",
    "verdict",
]

Follow = Callable[[Sequence[tuple[int, int]]], Iterable[tuple[int, int]]]

#: The figures that the verdict speaks of, decided before anything is measured.
HEADLINES: Final = (
    "upper mAP",
    "lower mAP",
    "upper accuracy of the common",
    "lower accuracy of the common",
    "attributes AUC",
    "queries AP / prevalence",
)
#: The arm that the verdict speaks of.
DECIDING: Final = MADE_ARMS[1]
_RESAMPLES: Final = 500
_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of an arm, and what it is more than that of the real people alone.

    Attributes:
        value: Mean over seeds.
        gain: Mean difference over seeds; each pair has the same real people.
        over_seeds: 95 % t-interval of the gain over seeds; NaN with one seed.
        over_people: 95 % bootstrap of the mean gain over test people.
    """

    value: float
    gain: float
    over_seeds: tuple[float, float]
    over_people: tuple[float, float]

    @property
    def verdict(self) -> str:
        """``helps`` or ``hurts`` where both intervals are on that side of 0, else ``no difference``."""
        low = np.minimum(self.over_seeds[0], self.over_people[0])  # NaN where either is
        high = np.maximum(self.over_seeds[1], self.over_people[1])
        return "helps" if low > 0 else "hurts" if high < 0 else "no difference"


Comparison = Mapping[int, Mapping[str, Mapping[str, Difference]]]
"""By number of real people, arm and figure."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is compared.

    Attributes:
        real: Real people.
        made: Made people; ``of`` counts rows of ``real``.
        jittered: Real people under strong photometric jitter, likewise.
        train: Rows of ``real`` to learn from.
        test: Rows to be asked about.
        worn: What each test person wears.
        attributes: Names of the attributes.
    """

    real: FeaturedPeople
    made: FeaturedPeople
    jittered: FeaturedPeople
    train: tuple[int, ...]
    test: tuple[int, ...]
    worn: tuple[Worn, ...]
    attributes: tuple[str, ...]


def numbers_of(wanted: Sequence[str], people: int) -> tuple[int, ...]:
    """Numbers of real people from ``100`` or ``25%``, growing.

    Raises:
        BadConfigError: One is no such number, or is not between 10 and everybody.
    """
    numbers = set()
    for text in wanted:
        digits = text.strip().removesuffix("%")
        if not digits.isdigit():
            raise BadConfigError(f"--people wants numbers or per cent, such as 100,25%, got {text!r}")
        number = people * int(digits) // 100 if text.strip().endswith("%") else int(digits)
        if not 10 <= number <= people:
            raise BadConfigError(
                f"{text.strip()} of {people} people to learn from are {number}, not 10 to {people}"
            )
        numbers.add(number)
    return tuple(sorted(numbers))


def compare_arms(
    trial: Trial, numbers: Sequence[int], seeds: Sequence[int], budget: int, follow: Follow
) -> Comparison:
    """Compare.

    Args:
        trial: The people.
        numbers: Numbers of real people to learn from.
        seeds: Each draws which.
        budget: Most steps of each fit, the same for every arm.
        follow: Shows how far it is.
    """
    test = trial.real.rows(np.array(trial.test))
    draws = _draws(len(trial.test))
    figures: dict[int, dict[str, list[Mapping[str, Float64[np.ndarray, " b"]]]]] = {n: {} for n in numbers}
    for n, seed in follow([(n, seed) for n in numbers for seed in seeds]):
        order = np.random.default_rng(seed).permutation(np.array(trial.train))
        for name, arm in arms_of(trial.real, trial.made, trial.jittered, order, n).items():
            of_arm = measures(answers_of(arm, test, budget), test, trial.worn, trial.attributes)
            figures[n].setdefault(name, []).append(_values(of_arm, draws))
    return {
        n: {
            name: _differences(arms[name], arms[REAL])
            for name in ARMS
            if len(arms.get(name, ())) == len(arms[REAL])  # some seed had no made people of its people alone
        }
        for n, arms in figures.items()
    }


def _values(figures: Mapping[str, Measure], draws: Draws) -> Mapping[str, Float64[np.ndarray, " b"]]:
    return {name: measure(draws) for name, measure in figures.items()}


def _draws(people: int) -> Draws:
    """Everybody once, and then how often each was drawn in each resample."""
    rng = np.random.default_rng(0)
    rows = [np.bincount(rng.integers(people, size=people), minlength=people) for _ in range(_RESAMPLES)]
    return np.stack([np.ones(people), *rows]).astype(np.float64)


def _differences(
    arm: Sequence[Mapping[str, Float64[np.ndarray, " b"]]],
    real: Sequence[Mapping[str, Float64[np.ndarray, " b"]]],
) -> dict[str, Difference]:
    found = {}
    for name in arm[0]:
        values, base = (np.stack([each[name] for each in run]) for run in (arm, real))
        gains = values - base  # (seeds, 1 + resamples)
        by_seed, resampled = gains[:, 0], gains[:, 1:].mean(axis=0)
        defined = resampled[~np.isnan(resampled)]
        ends = [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]
        over_people = np.quantile(defined, ends) if len(defined) else np.full(2, np.nan)
        found[name] = Difference(
            float(values[:, 0].mean()),
            float(by_seed.mean()),
            _t_interval(by_seed),
            (float(over_people[0]), float(over_people[1])),
        )
    return found


def _t_interval(values: Float64[np.ndarray, " s"]) -> tuple[float, float]:
    n, mean = len(values), float(values.mean())
    if n < 2:
        return float("nan"), float("nan")
    half = float(student.ppf((1 + _LEVEL) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return mean - half, mean + half


def verdict(comparison: Comparison) -> str:
    """One line: for each headline figure and number of people whether the deciding arm helps."""
    parts = []
    for figure in HEADLINES:
        by_number = {n: arms[DECIDING][figure].verdict for n, arms in comparison.items() if DECIDING in arms}
        spoken = []
        for answer in ("helps", "no difference", "hurts"):
            where = [str(n) for n, each in by_number.items() if each == answer]
            if where:
                spoken.append(
                    answer if len(where) == len(by_number) else f"{answer} at {', '.join(where)} people"
                )
        parts.append(f"{figure}: {', '.join(spoken) or 'not measured'}")
    return "; ".join(parts)
