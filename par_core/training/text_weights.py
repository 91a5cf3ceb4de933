"""Fit what evidence is worth in text searches, on people held out from training.

    python -m par_core.training.text_weights --root build/held-out

asks for single garments, coloured garments and pairs of them, once in an archive that holds people who fit,
and once in the same archive without them, where every hit is one by chance. The weights make the
probabilities fit best (log loss) over both kinds of archive, with the share of people who fit estimated as
searches do. Probabilities are checked on the half of the queries that a fit did not see; the shipped weights
come from all queries.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64
from scipy.optimize import minimize
from scipy.special import expit, logit

from par_core.attributes.vocabulary import BY_NAME, with_colour
from par_core.config import RunConfig, load_config
from par_core.datasets.merged_labels import NAMES, LabelledPerson, labelled_people, labels_of
from par_core.evaluate.garment_queries import common_pairs
from par_core.evaluate.retrieval import describe_labelled
from par_core.models.profiles import load_text_encoder
from par_core.models.shipped import FOLDER
from par_core.models.text_evidence import (
    WEIGHTS_FILE,
    TextScorer,
    TextWeights,
    attribute_evidence,
    colour_evidence,
    estimate_prevalence,
)
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here

__all__ = ["Asked", "asked_of", "check_weights", "fit_weights", "loss_of"]

_LEAST: Final = 3
_START: Final = (1.0, 0.5, 0.5, -1.0, -3.0)
_SEED: Final = 0
_EDGES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """One text, and what is known of n people.

    Attributes:
        text: The text.
        standing: Above the background texts, the mean over its pieces.
        attributes: Evidence of the attributes that it names.
        colours: Evidence of the colours that it names.
        fits: Who fits.
    """

    text: str
    standing: Float64[np.ndarray, " n"]
    attributes: Float64[np.ndarray, " n"]
    colours: Float64[np.ndarray, " n"]
    fits: Bool[np.ndarray, " n"]

    def without_those_who_fit(self) -> "Asked":
        """The archive in which every hit is one by chance."""
        others = ~self.fits
        return Asked(
            self.text, self.standing[others], self.attributes[others], self.colours[others], self.fits[others]
        )

    def probabilities(self, weights: TextWeights) -> Float64[np.ndarray, " n"]:
        """As searches compute them."""
        evidence = weights.evidence(self.standing, self.attributes, self.colours)
        return expit(evidence + logit(estimate_prevalence(evidence, weights)))


def asked_of(people: Sequence[LabelledPerson], config: RunConfig, cache: PredictionCache) -> list[Asked]:
    """Texts for single garments, coloured garments, and pairs of coloured garments, that at least three
    people fit, on people with an outline of garments.
    """
    told, labels = describe_labelled(list(people), config, cache), labels_of(list(people))
    rows = np.array([i for i, person in enumerate(people) if person.colours])
    scorer, known = TextScorer(load_text_encoder(config), TextWeights.shipped()), told.known(rows)
    usual, n = known.colour_shares(), len(rows)
    asked = []
    for text, fits in _truths([people[i] for i in rows], labels[rows]):
        query = scorer.query(text)
        standing, attributes = (
            scorer.z_scores(query, known).mean(axis=1),
            attribute_evidence(query, known.attributes, n),
        )
        asked.append(Asked(text, standing, attributes, colour_evidence(query, known.colours, usual, n), fits))
    return asked


def _truths(people: Sequence[LabelledPerson], labels: np.ndarray) -> list[tuple[str, Bool[np.ndarray, " n"]]]:
    garments = [name for name in NAMES if BY_NAME[name].ccp]
    single = [
        (f"a person {BY_NAME[name].phrases[0]}", labels[:, NAMES.index(name)] == 1) for name in garments
    ]
    colours = sorted({garment for person in people for garment in person.colours})
    coloured = [
        (_spoken(garment), np.array([garment in person.colours for person in people])) for garment in colours
    ]
    pairs = [
        (" and ".join(map(_spoken, pair)), np.array([set(pair) <= set(person.colours) for person in people]))
        for pair, _ in common_pairs(people)
    ]
    return [(text, fits) for text, fits in (*single, *coloured, *pairs) if _LEAST <= fits.sum() < len(fits)]


def _spoken(garment: tuple[str, str]) -> str:
    attribute, colour = garment
    return with_colour(BY_NAME[attribute].nouns[0], colour)


def loss_of(weights: TextWeights, asked: Sequence[Asked]) -> float:
    """Mean log loss over people and queries, with and without those who fit."""
    total, n = 0.0, 0
    for each in (part for one in asked for part in (one, one.without_those_who_fit())):
        p = np.clip(each.probabilities(weights), 1e-6, 1 - 1e-6)
        total -= float(np.log(p[each.fits]).sum() + np.log(1 - p[~each.fits]).sum())
        n += len(p)
    return total / n


def fit_weights(asked: Sequence[Asked]) -> TextWeights:
    """The weights of least loss."""

    def loss(x: np.ndarray) -> float:
        return loss_of(_weights(x), asked)

    found = minimize(
        loss, np.array(_START), method="Nelder-Mead", options={"maxiter": 600, "xatol": 0.01, "fatol": 1e-6}
    )
    return _weights(found.x)


def _weights(x: np.ndarray) -> TextWeights:
    return TextWeights(
        float(x[0]), float(x[1]), float(x[2]), float(x[3]), float(expit(x[4])), calibrated=True
    )


def check_weights(asked: Sequence[Asked]) -> dict[str, Any]:
    """Stated and actual shares by cutoff, on queries that the fit did not see."""
    order = np.random.default_rng(_SEED).permutation(len(asked))
    answers = []
    for half in (0, 1):
        weights = fit_weights([asked[i] for i in order[half::2]])
        for i in order[1 - half :: 2]:
            without = asked[i].without_those_who_fit()
            answers.append((asked[i].probabilities(weights), asked[i].fits, without.probabilities(weights)))
    p, fits = np.concatenate([each[0] for each in answers]), np.concatenate([each[1] for each in answers])
    bins = [(low, high, (p >= low) & (p < high)) for low, high in pairwise(_EDGES)]
    return {
        "queries": len(asked),
        "reliability": [
            {
                "from": a,
                "to": b,
                "n": int(m.sum()),
                "stated": float(p[m].mean()),
                "actual": float(fits[m].mean()),
            }
            for a, b, m in bins
            if m.any()
        ],
        "cutoffs": [_at(cutoff, answers) for cutoff in (0.05, 0.1, 0.15, 0.2, 0.3, 0.5)],
    }


def _at(
    cutoff: float, answers: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> dict[str, float | None]:
    given = [(p[p >= cutoff], fits[p >= cutoff]) for p, fits, _ in answers if (p >= cutoff).any()]
    return {
        "cutoff": cutoff,
        "answered": len(given) / len(answers),
        "stated_share_of_chance": float(np.mean([1 - p.mean() for p, _ in given])) if given else None,
        "actual_share_of_chance": float(np.mean([1 - fits.mean() for _, fits in given])) if given else None,
        "recall": float(np.mean([(fits & (p >= cutoff)).sum() / fits.sum() for p, fits, _ in answers])),
        "nothing_found_where_nobody_fits": float(
            np.mean([not (none >= cutoff).any() for _, _, none in answers])
        ),
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--root", type=Path, required=True, help="folder with ccp/, people held out from training"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("build/text-weights"), help="where predictions are kept"
    )
    parser.add_argument(
        "--check", action="store_true", help="print the check, leave the shipped weights as they are"
    )
    given = parser.parse_args()
    config = load_config()
    asked = asked_of(labelled_people("ccp", given.root), config, PredictionCache(given.work, compute_here))
    weights = fit_weights(asked)
    check = check_weights(asked)
    numbers = {
        name: getattr(weights, name) for name in ("text", "attributes", "colours", "offset", "prevalence")
    }
    print(json.dumps({"weights": numbers, "loss": loss_of(weights, asked), **check}, indent=1))
    if not given.check:
        (FOLDER / WEIGHTS_FILE).write_text(
            json.dumps({name: round(value, 4) for name, value in numbers.items()}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
