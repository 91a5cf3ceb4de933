"""Calibrate attribute probabilities and choose thresholds, on people held out from training.

    python -m par_core.training.calibration --data ../shared/data

does it for the shipped describer, on people detected and cut out as indexing does. Separate from the weights,
so that probabilities can be corrected without shipping megabytes again. Only full labels count: weak ones,
such as "wears a dress, so probably female", come with positives alone and would push every probability up.

Thresholds: where probabilities are calibrated, the mean of true positive and true negative rate (mA) is
greatest when an attribute counts as present from its own prevalence on. That needs no search, and so cannot
overfit a few hundred people. For what is one thing or the other (gender, orientation, length of hair), where
accuracy counts as much, the threshold lies halfway between prevalence and one half.
"""

import argparse
import json
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float32

from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.config import load_config
from par_core.datasets.merged_labels import NAMES, labels_of
from par_core.evaluate.retrieval import describe_labelled
from par_core.metrics.calibration import calibration_error
from par_core.metrics.label_based import balanced_accuracy
from par_core.models.answers import Answers
from par_core.models.describer import CALIBRATION_FILE, read_answers
from par_core.models.shipped import FOLDER, note_digest
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.training.attribute_data import read_people

__all__ = ["cross_checked", "cross_fitted", "fit_answers", "fit_platt"]

_LEAST: Final = 10
_CLIP: Final = 1e-6
_EITHER_OR: Final = frozenset(attribute.name for attribute in ATTRIBUTES if not attribute.nouns)
_PARTS: Final = 5  # of the cross-check


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
    either_or: Collection[str] = (),
) -> Answers:
    """Fit calibration and thresholds; those of an attribute are left as they are where fewer than ten of
    either kind are labelled.

    Args:
        names: Names of the k attributes.
        logits: Logits of people held out from training.
        labels: 1, 0, or NaN where not known.
        either_or: Attributes that are one thing or the other.
    """
    plain = Answers.uncalibrated(names)
    parts = [list(part) for part in (plain.scales, plain.offsets, plain.thresholds)]
    for i, (x, y) in enumerate(zip(logits.T, labels.T, strict=True)):
        known = ~np.isnan(y)
        positive = int((y[known] == 1).sum())
        if min(positive, int(known.sum()) - positive) >= _LEAST:
            parts[0][i], parts[1][i] = fit_platt(np.ascontiguousarray(x[known]), y[known])
            share = positive / int(known.sum())
            parts[2][i] = (share + 0.5) / 2 if names[i] in either_or else share
    return Answers(tuple(names), *(tuple(part) for part in parts))


def cross_fitted(
    names: Sequence[str],
    logits: Float32[np.ndarray, "n k"],
    labels: Float32[np.ndarray, "n k"],
    either_or: Collection[str] = (),
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
        either_or: Attributes that are one thing or the other.
        groups: Identity of each person; one identity is in one part. None: all are different people.
    """
    identities = np.arange(len(logits)) if groups is None else np.asarray(groups, str)
    _, which = np.unique(identities, return_inverse=True)
    part = (np.random.default_rng(0).permutation(int(which.max(initial=-1)) + 1) % _PARTS)[which]
    probabilities, predicted = np.zeros_like(logits), np.zeros(logits.shape, bool)
    for held_out in range(_PARTS):
        answers = fit_answers(names, logits[part != held_out], labels[part != held_out], either_or)
        probabilities[part == held_out] = answers.probabilities(logits[part == held_out])
        predicted[part == held_out] = probabilities[part == held_out] >= np.array(
            answers.thresholds, np.float32
        )
    return probabilities, predicted


def cross_checked(
    names: Sequence[str],
    logits: Float32[np.ndarray, "n k"],
    labels: Float32[np.ndarray, "n k"],
    either_or: Collection[str] = (),
) -> dict[str, dict[str, float]]:
    """``ece`` and ``mA`` of each attribute by :func:`cross_fitted`, whose arguments these are."""
    probabilities, predicted = cross_fitted(names, logits, labels, either_or)
    scores = {}
    for i, name in enumerate(names):
        known = ~np.isnan(labels[:, i])
        has = labels[known, i] == 1
        if min(has.sum(), (~has).sum()) >= _LEAST:
            scores[name] = {
                "ece": calibration_error(has, probabilities[known, i]),
                "mA": balanced_accuracy(has, predicted[known, i]),
            }
    return scores


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the calibration, measure it and write both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    options = parser.parse_args(arguments)
    _, kept = read_people(options.data)
    with tempfile.TemporaryDirectory() as folder:
        described = describe_labelled(kept, load_config(), PredictionCache(Path(folder), compute_here))
    labels = labels_of(kept)
    labels[np.array([person.weights for person in kept]) < 1] = np.nan
    logits = _logits(described.probabilities, read_answers(NAMES))
    answers, checked = (
        fit_answers(NAMES, logits, labels, _EITHER_OR),
        cross_checked(NAMES, logits, labels, _EITHER_OR),
    )
    rounded = replace(
        answers,
        **{
            part: tuple(round(value, 5) for value in getattr(answers, part))
            for part in ("scales", "offsets", "thresholds")
        },
    )
    means = {key: round(float(np.mean([row[key] for row in checked.values()])), 4) for key in ("ece", "mA")}
    shown = {name: {key: round(value, 4) for key, value in row.items()} for name, row in checked.items()}
    content = {
        "method": "Platt 1999; threshold = prevalence, halfway to one half for female, front and long_hair",
        "people": len(kept),
        "cross_checked": {**means, "attributes": shown},
    }
    (FOLDER / CALIBRATION_FILE).write_text(
        json.dumps({**content, "attributes": rounded.as_json()}, indent=1) + "\n"
    )
    note_digest(FOLDER, CALIBRATION_FILE)
    print(json.dumps(means))


def _logits(probabilities: Float32[np.ndarray, "n k"], before: Answers) -> Float32[np.ndarray, "n k"]:
    """The network's outputs, from probabilities that an earlier calibration made of them."""
    sure = np.clip(probabilities.astype(np.float64), _CLIP, 1 - _CLIP)
    return ((np.log(sure / (1 - sure)) - np.array(before.offsets)) / np.array(before.scales)).astype(
        np.float32
    )


if __name__ == "__main__":
    main()
