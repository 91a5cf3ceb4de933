"""Fit the weights of evidence in text searches, on people held out from training.

    python -m par_core.training.text_weights --root build/held-out

asks for single garments, coloured garments and pairs of them, once in an archive that holds people who fit,
and once in the same archive without them, where every hit is one by chance. The log loss over both kinds of
archive, with the share of people who fit estimated as searches do, says how well probabilities fit. It hardly
depends on how much attributes and colours weigh beside the text, which decides the order of hits: of the
weights whose loss is nearly the least, those that rank best are taken. Probabilities are checked on the half
of the queries that a fit did not use; the shipped weights come from all queries.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
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
from par_core.metrics.ranking import average_precision
from par_core.models.named_evidence import attribute_evidence, colour_evidence
from par_core.models.profiles import load_text_encoder
from par_core.models.shipped import FOLDER
from par_core.models.text_evidence import (
    WEIGHTS_FILE,
    TextScorer,
    TextWeights,
    estimate_prevalence,
)
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here

__all__ = ["TextQuery", "check_weights", "fit_weights", "loss_of", "ranking_of", "text_queries"]

_LEAST: Final = 3
#: Weight of attributes and of colours, as multiples of that of the text.
_ATTRIBUTES: Final = (0.25, 0.5, 0.7, 1.0)
_COLOURS: Final = (0.6, 1.0, 1.4)
#: Losses up to this share above the least count as nearly the least.
_TOLERANCE: Final = 0.02
#: Searches leave out people below it; a test holds it to ``par_core.query.answer.CUTOFF``.
_CUTOFF: Final = 0.15
_START: Final = (0.0, -0.5, -2.5)
_SEED: Final = 0
_EDGES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class TextQuery:
    """Text query, and its evidence for n people.

    Attributes:
        text: Text of the query.
        z_scores: Score above the background texts, mean over the pieces of the text.
        attributes: Evidence of the attributes that it names.
        colours: Evidence of the colours that it names.
        fits: Whether each person fits.
    """

    text: str
    z_scores: Float64[np.ndarray, " n"]
    attributes: Float64[np.ndarray, " n"]
    colours: Float64[np.ndarray, " n"]
    fits: Bool[np.ndarray, " n"]

    def without_those_who_fit(self) -> "TextQuery":
        """Return the archive without the people who fit, in which every hit is one by chance."""
        others = ~self.fits
        return TextQuery(
            self.text, self.z_scores[others], self.attributes[others], self.colours[others], self.fits[others]
        )

    def probabilities(self, weights: TextWeights) -> Float64[np.ndarray, " n"]:
        """Return the probabilities as searches compute them."""
        evidence = self.evidence(weights)
        return expit(evidence + logit(estimate_prevalence(evidence, weights)))

    def evidence(self, weights: TextWeights) -> Float64[np.ndarray, " n"]:
        """Return the log-likelihood ratios by which searches rank."""
        return weights.evidence(self.z_scores, self.attributes, self.colours)


def text_queries(
    people: Sequence[LabelledPerson], config: RunConfig, cache: PredictionCache
) -> list[TextQuery]:
    """Return queries for single garments, coloured garments, and pairs of coloured garments, that at least
    three people fit, on people with an outline of garments.
    """
    described, labels = describe_labelled(list(people), config, cache), labels_of(list(people))
    rows = np.array([i for i, person in enumerate(people) if person.colours])
    scorer, known = TextScorer(load_text_encoder(config), TextWeights.shipped()), described.known(rows)
    colour_shares, n = known.colour_shares(), len(rows)
    queries = []
    for text, fits in _truths([people[i] for i in rows], labels[rows]):
        query = scorer.query(text)
        z_scores, attributes = (
            scorer.z_scores(query, known).mean(axis=1),
            attribute_evidence(query.attributes, known.attributes, n),
        )
        queries.append(
            TextQuery(
                text,
                z_scores,
                attributes,
                colour_evidence(query.colours, known.colours, colour_shares, n),
                fits,
            )
        )
    return queries


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


def loss_of(weights: TextWeights, queries: Sequence[TextQuery]) -> float:
    """Return the mean log loss over people and queries, with and without those who fit."""
    total, n = 0.0, 0
    for archive in (part for query in queries for part in (query, query.without_those_who_fit())):
        p = np.clip(archive.probabilities(weights), 1e-6, 1 - 1e-6)
        total -= float(np.log(p[archive.fits]).sum() + np.log(1 - p[~archive.fits]).sum())
        n += len(p)
    return total / n


def ranking_of(weights: TextWeights, queries: Sequence[TextQuery]) -> float:
    """Return the mean over queries of the logarithm of average precision over prevalence."""
    return float(
        np.mean(
            [
                np.log(average_precision(query.fits, query.evidence(weights)) / query.fits.mean())
                for query in queries
            ]
        )
    )


def fit_weights(queries: Sequence[TextQuery]) -> TextWeights:
    """Return the weights that rank best among those of nearly the least loss with which a text that says
    nothing of anybody finds nobody, also in a small archive.
    """
    fitted = [_fit(queries, attributes, colours) for attributes, colours in product(_ATTRIBUTES, _COLOURS)]
    usable = [(weights, loss) for weights, loss in fitted if _of_nothing(weights) < _CUTOFF]
    most = min(loss for _, loss in usable) * (1 + _TOLERANCE)
    near = [weights for weights, loss in usable if loss <= most]
    return max(near, key=lambda weights: ranking_of(weights, queries))


def _of_nothing(weights: TextWeights) -> float:
    """The probability of a person of whom a text says nothing, before the archive has told how many fit."""
    return float(expit(weights.offset + logit(weights.prevalence)))


def _fit(queries: Sequence[TextQuery], attributes: float, colours: float) -> tuple[TextWeights, float]:
    """The weights of least loss with these multiples of the weight of the text, and that loss."""

    def weights(x: np.ndarray) -> TextWeights:
        text = float(np.exp(x[0]))
        return TextWeights(
            text, attributes * text, colours * text, float(x[1]), float(expit(x[2])), calibrated=True
        )

    def loss(x: np.ndarray) -> float:
        return loss_of(weights(x), queries)

    fitted = minimize(
        loss, np.array(_START), method="Nelder-Mead", options={"maxiter": 600, "xatol": 0.01, "fatol": 1e-6}
    )
    return weights(fitted.x), float(fitted.fun)


def check_weights(queries: Sequence[TextQuery]) -> dict[str, Any]:
    """Return stated and actual shares by cutoff, on queries that the fit did not use."""
    order = np.random.default_rng(_SEED).permutation(len(queries))
    answers = []
    for half in (0, 1):
        weights = fit_weights([queries[i] for i in order[half::2]])
        for i in order[1 - half :: 2]:
            without = queries[i].without_those_who_fit()
            answers.append(
                (queries[i].probabilities(weights), queries[i].fits, without.probabilities(weights))
            )
    p, fits = (
        np.concatenate([answer[0] for answer in answers]),
        np.concatenate([answer[1] for answer in answers]),
    )
    bins = [(low, high, (p >= low) & (p < high)) for low, high in pairwise(_EDGES)]
    return {
        "queries": len(queries),
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
    answered = [(p[p >= cutoff], fits[p >= cutoff]) for p, fits, _ in answers if (p >= cutoff).any()]
    return {
        "cutoff": cutoff,
        "answered": len(answered) / len(answers),
        "stated_share_of_chance": float(np.mean([1 - p.mean() for p, _ in answered])) if answered else None,
        "actual_share_of_chance": float(np.mean([1 - fits.mean() for _, fits in answered]))
        if answered
        else None,
        "recall": float(np.mean([(fits & (p >= cutoff)).sum() / fits.sum() for p, fits, _ in answers])),
        "nothing_found_where_nobody_fits": float(
            np.mean([not (none >= cutoff).any() for _, _, none in answers])
        ),
    }


def main() -> None:
    """Fit, check and write the weights."""
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
    arguments = parser.parse_args()
    config = load_config()
    queries = text_queries(
        labelled_people("ccp", arguments.root), config, PredictionCache(arguments.work, compute_here)
    )
    weights = fit_weights(queries)
    check = check_weights(queries)
    numbers = {
        name: getattr(weights, name) for name in ("text", "attributes", "colours", "offset", "prevalence")
    }
    print(
        json.dumps(
            {
                "weights": numbers,
                "loss": loss_of(weights, queries),
                "ranking": ranking_of(weights, queries),
                **check,
            },
            indent=1,
        )
    )
    if not arguments.check:
        (FOLDER / WEIGHTS_FILE).write_text(
            json.dumps({name: round(value, 4) for name, value in numbers.items()}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
