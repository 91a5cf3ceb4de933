"""Fit the score of cut-outs, and measure it and the rule for second cuts.

    python -m par_core.training.cutout_quality --data ../shared/data

A logistic regression tells people who match an outlined person (mask IoU of at least one half) from those who
match none. Photographs are divided into three parts: weights are fitted on the first, the spread of their
prior is chosen on the second, and all figures come from the third, which holds every photograph that the
shipped segmenter was not trained on. Each data set counts alike.

On Clothing Co-Parsing only the person who is portrayed is outlined: the others there are mostly real people
in the background, small and out of focus. They count as no good cut-outs.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float64
from scipy.special import logit

from par_core.config import load_config
from par_core.logistic import fit_logistic
from par_core.metrics.bootstrap import bootstrap_rows
from par_core.metrics.ranking import roc_auc
from par_core.people.cutout_quality import MEASURES, WEIGHTS_FILE, CutoutWeights
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.training.cutout_data import FoundPeople, find_people

__all__ = ["MOST", "SEED", "as_json", "choose_weights", "fit_weights", "measured"]

#: Seed of the draws of photographs.
SEED: Final = 0
#: Largest number of photographs of one set.
MOST: Final = 720

_SPREADS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_THRESHOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_COVERED: Final = (0.5, 0.6, 0.7, 0.75, 0.8, 0.9)


def fit_weights(people: FoundPeople, spread: float) -> CutoutWeights:
    """Return the most probable weights, none of them below 0.

    Real people and others of every set count alike: else the others, who are few, would hardly count. The
    offset is then moved to their actual shares, so that a score is a probability.

    Args:
        people: People to fit to, real ones and others of each set.
        spread: Standard deviation, a priori, of the log-odds of a typical person.
    """
    kinds = np.char.add(people.sources, people.real.astype(str))
    counts = _counts(people, kinds.tolist())
    means = np.average(people.measures, axis=0, weights=counts)
    spreads = np.sqrt(np.average((people.measures - means) ** 2, axis=0, weights=counts))
    weights, offset = fit_logistic(
        (people.measures - means) / spreads, people.real, spread=spread, counts=counts, positive=True
    )
    share = float(np.average(people.real, weights=_counts(people, people.sources.tolist())))
    moved = offset + float(logit(share))
    return CutoutWeights(tuple(means.tolist()), tuple(spreads.tolist()), tuple(weights.tolist()), moved)


def choose_weights(people: FoundPeople) -> tuple[CutoutWeights, float]:
    """Fit on the part ``fit``, and return the weights with the spread whose log loss is least on the part
    ``choose``, with it.
    """
    fitted = [(fit_weights(people.of(people.parts == "fit"), spread), spread) for spread in _SPREADS]
    others = people.of(people.parts == "choose")
    return min(fitted, key=lambda each: _log_loss(each[0], others))


def measured(people: FoundPeople, weights: CutoutWeights) -> dict[str, Any]:
    """Return the figures of the part ``report``, by set: area under the ROC curve with its interval over
    photographs, shares of the people below some thresholds, and the people who are second cuts.
    """
    reported = people.of(people.parts == "report")
    return {
        source: _figures(reported.of(reported.sources == source), weights)
        for source in sorted(set(reported.sources.tolist()))
    } | {"second_cuts": _second_cuts(people)}


def _figures(people: FoundPeople, weights: CutoutWeights) -> dict[str, Any]:
    scores = weights.scores(people.measures)
    rows = np.column_stack([scores, people.real.astype(np.float64)])
    interval = bootstrap_rows(
        len(rows), lambda drawn: roc_auc(people.real[drawn], scores[drawn]), people.photos.tolist()
    )
    return {
        "photographs": len(set(people.photos.tolist())),
        "real": int(people.real.sum()),
        "others": int((~people.real).sum()),
        "auc": interval.estimate,
        "auc_interval": [interval.low, interval.high],
        "auc_of_certainty_alone": roc_auc(people.real, people.measures[:, 0]),
        "below": [
            {
                "threshold": threshold,
                "others_dropped": float((scores[~people.real] < threshold).mean()),
                "real_lost": float((scores[people.real] < threshold).mean()),
            }
            for threshold in _THRESHOLDS
        ],
    }


def _second_cuts(people: FoundPeople) -> list[dict[str, Any]]:
    """Counts over all parts: the rule is not fitted, and such people are rare."""
    return [
        {
            "covered": bound,
            **{
                source: {
                    "others": int((second & ~people.real & of_source).sum()),
                    "real": int((second & people.real & of_source).sum()),
                }
                for source in sorted(set(people.sources.tolist()))
                for of_source in [people.sources == source]
            },
        }
        for bound in _COVERED
        for second in [people.covered >= bound]
    ]


def _counts(people: FoundPeople, groups: Sequence[str]) -> Float64[np.ndarray, " n"]:
    """How often each person counts, so that all groups count alike; n in all."""
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return len(people.real) / len(sizes) / sizes[members]


def _log_loss(weights: CutoutWeights, people: FoundPeople) -> float:
    scores = np.clip(weights.scores(people.measures), 1e-6, 1 - 1e-6)
    losses = -np.log(np.where(people.real, scores, 1 - scores))
    return float(np.average(losses, weights=_counts(people, people.sources.tolist())))


def as_json(weights: CutoutWeights) -> dict[str, Any]:
    """Return weights as they are kept in ``WEIGHTS_FILE``."""
    each = zip(MEASURES, weights.means, weights.spreads, weights.weights, strict=True)
    return {
        "offset": round(weights.offset, 4),
        "measures": {
            name: {"mean": round(mean, 4), "spread": round(spread, 4), "weight": round(weight, 4)}
            for name, mean, spread, weight in each
        },
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, fit, measure, print, and write the weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--work", type=Path, default=Path("build/cutouts"), help="where predictions are kept")
    options = parser.parse_args(arguments)
    cache = PredictionCache(options.work, compute_here)
    people = find_people(options.data, load_config(), cache, most=MOST, seed=SEED)
    weights, spread = choose_weights(people)
    WEIGHTS_FILE.write_text(json.dumps(as_json(weights), indent=1) + "\n")
    print(json.dumps({"spread": spread, "weights": as_json(weights), **measured(people, weights)}, indent=1))


if __name__ == "__main__":
    main()
