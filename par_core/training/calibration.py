"""Calibrate attribute probabilities and choose thresholds, on people who were held out to choose by.

    python -m par_core.training.calibration --data ../shared/data

does it for the shipped describer, on people detected and cut out as indexing does. Separate from the weights,
so that probabilities can be corrected without shipping megabytes again. Only full labels count: weak ones,
such as "wears a dress, so probably female", come with positives alone and would push every probability up.
The gender of CCP's people is one reader's impression (``ccp-gender.csv``).

Thresholds of the networks that users train: where probabilities are calibrated, the mean of true positive and
true negative rate (mA) is greatest when an attribute counts as present from its own prevalence on. That needs
no search, and so cannot overfit a few hundred people. Those of the shipped describer are for filters, where a
hit must mean something, and come from ``thresholds``: the highest F1 + 2 mA to be expected; for gender,
orientation and length of hair a high mA on each data set that labels them.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float32

from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.config import load_config
from par_core.datasets.impressions import read_impressions
from par_core.datasets.merged_labels import NAMES, labels_of, with_gender
from par_core.evaluate.retrieval import describe_labelled
from par_core.models.answers import Answers
from par_core.models.describer import read_answers
from par_core.models.shipped import CALIBRATION, FOLDER, note_digest
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.training.attribute_data import read_people
from par_core.training.held_out import GENDER
from par_core.training.thresholds import threshold_for_filters, threshold_of_balance

__all__ = ["cross_fitted", "fit_answers", "fit_platt", "fit_shipped"]

_LEAST: Final = 10
_CLIP: Final = 1e-6
_EITHER_OR: Final = frozenset(attribute.name for attribute in ATTRIBUTES if not attribute.nouns)
_PARTS: Final = 5  # of the cross-fit


def fit_platt(logits: Float32[np.ndarray, " n"], has: Float32[np.ndarray, " n"]) -> tuple[float, float]:
    """Fit scale and offset of logits by Platt's method (1999), with his priors.

    Args:
        logits: Logits of people whose label is known.
        has: Their labels, 0 or 1; at least one of each.
    """
    positive = int((has == 1).sum())
    negative = len(has) - positive
    target = torch.from_numpy(
        np.where(has == 1, (positive + 1) / (positive + 2), 1 / (negative + 2)).astype(np.float32)
    )
    values, parameters = torch.from_numpy(logits), torch.tensor([1.0, 0.0], requires_grad=True)
    optimiser = torch.optim.LBFGS([parameters], max_iter=100)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            values * parameters[0] + parameters[1], target
        )
        loss.backward()
        return loss

    optimiser.step(closure)
    scale, offset = parameters.detach().tolist()
    return scale, offset


def fit_answers(
    names: Sequence[str],
    logits: Float32[np.ndarray, "n k"],
    labels: Float32[np.ndarray, "n k"],
) -> Answers:
    """Fit calibration and thresholds; those of an attribute are left as they are where fewer than ten of
    either kind are labelled.

    Args:
        names: Names of the k attributes.
        logits: Logits of people held out from training.
        labels: 1, 0, or NaN where not known.
    """
    plain = Answers.uncalibrated(names)
    parts = [list(part) for part in (plain.scales, plain.offsets, plain.thresholds)]
    for i, (x, y) in enumerate(zip(logits.T, labels.T, strict=True)):
        known = ~np.isnan(y)
        if _enough(y):
            parts[0][i], parts[1][i] = fit_platt(np.ascontiguousarray(x[known]), y[known])
            parts[2][i] = float(y[known].mean())
    return Answers(tuple(names), *(tuple(part) for part in parts))


def cross_fitted(
    names: Sequence[str],
    logits: Float32[np.ndarray, "n k"],
    labels: Float32[np.ndarray, "n k"],
    *,
    groups: Sequence[str] | None = None,
) -> tuple[Float32[np.ndarray, "n k"], Bool[np.ndarray, "n k"]]:
    """Return probabilities, and which attributes count as present, by calibration and thresholds of other
    people.

    The people are cut into five parts, at random; each part is judged with what the other four gave.

    Args:
        names: Names of the k attributes.
        logits: Logits of people held out from training.
        labels: 1, 0, or NaN where not known.
        groups: Identity of each person; one identity is in one part. None: all are different people.
    """
    identities = np.arange(len(logits)) if groups is None else np.asarray(groups, str)
    _, which = np.unique(identities, return_inverse=True)
    part = (np.random.default_rng(0).permutation(int(which.max(initial=-1)) + 1) % _PARTS)[which]
    probabilities, predicted = np.zeros_like(logits), np.zeros(logits.shape, bool)
    for held_out in range(_PARTS):
        answers = fit_answers(names, logits[part != held_out], labels[part != held_out])
        probabilities[part == held_out] = answers.probabilities(logits[part == held_out])
        predicted[part == held_out] = probabilities[part == held_out] >= np.array(
            answers.thresholds, np.float32
        )
    return probabilities, predicted


def fit_shipped(
    logits: Float32[np.ndarray, "n k"], labels: Float32[np.ndarray, "n k"], sets: Sequence[str]
) -> Answers:
    """Fit calibration and thresholds of the shipped describer.

    Args:
        logits: By the order of ``NAMES``, of people who were held out from training.
        labels: 1, 0, or NaN where not known.
        sets: Data set of each person. For gender, orientation and length of hair each that has enough people
            of both kinds counts the same.
    """
    answers = fit_answers(NAMES, logits, labels)
    thresholds = list(answers.thresholds)
    for i, (name, p, y) in enumerate(zip(NAMES, answers.probabilities(logits).T, labels.T, strict=True)):
        known = ~np.isnan(y)
        if not _enough(y[known]):
            continue
        if name in _EITHER_OR:
            members = [known & (np.asarray(sets) == each) for each in dict.fromkeys(sets)]
            thresholds[i] = threshold_of_balance(
                [(y[rows] == 1, p[rows]) for rows in members if _enough(y[rows])]
            )
        else:
            thresholds[i] = threshold_for_filters(p[known])
    return replace(answers, thresholds=tuple(thresholds))


def _enough(labels: Float32[np.ndarray, " n"]) -> bool:
    return min(int((labels == 1).sum()), int((labels == 0).sum())) >= _LEAST


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the calibration, measure it and write both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    options = parser.parse_args(arguments)
    people = with_gender(read_people(options.data).choose, read_impressions(GENDER))
    with tempfile.TemporaryDirectory() as folder:
        described = describe_labelled(people, load_config(), PredictionCache(Path(folder), compute_here))
    labels = labels_of(people)
    labels[np.array([person.weights for person in people]) < 1] = np.nan
    withheld = np.isnan(described.probabilities)
    labels[withheld] = np.nan
    logits = _logits(np.where(withheld, np.float32(0.5), described.probabilities), read_answers(NAMES))
    answers = fit_shipped(logits, labels, ["mit" if person.source == "mit" else "ccp" for person in people])
    rounded = replace(
        answers,
        **{
            part: tuple(round(value, 5) for value in getattr(answers, part))
            for part in ("scales", "offsets", "thresholds")
        },
    )
    content = {
        "method": "Platt 1999; threshold = highest expected F1 + 2 mA; of female, front and long_hair a high"
        " mA on each data set",
        "people": len(people),
        "attributes": rounded.as_json(),
    }
    (FOLDER / CALIBRATION).write_text(json.dumps(content, indent=1) + "\n")
    note_digest(FOLDER, CALIBRATION)
    print(f"calibrated on {len(people)} people: {FOLDER / CALIBRATION}")


def _logits(probabilities: Float32[np.ndarray, "n k"], before: Answers) -> Float32[np.ndarray, "n k"]:
    """The network's outputs, from probabilities that an earlier calibration made of them."""
    sure = np.clip(probabilities.astype(np.float64), _CLIP, 1 - _CLIP)
    return ((np.log(sure / (1 - sure)) - np.array(before.offsets)) / np.array(before.scales)).astype(
        np.float32
    )


if __name__ == "__main__":
    main()
