"""Calibrate attribute probabilities and choose thresholds, on people held out from training.

    python -m par_core.training.calibration --data ../shared/data

does it for the shipped describer, on people found and cut out as indexing does. Separate from the weights, so
that probabilities can be mended without shipping megabytes again. Only full labels count: weak ones, such as
"wears a dress, so probably female", come with positives alone and would push every probability up.

Thresholds: where probabilities are calibrated, the mean of true positive and true negative rate (mA) is
greatest when an attribute counts as seen from its own prevalence on. That needs no search, and so cannot
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
    """Scale and offset of logits by Platt's method (1999), with his priors.

    Args:
        logits: Of people whose label is known.
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
    """Calibration and thresholds; those of an attribute stay as they come where fewer than ten of either kind
    are labelled.

    Args:
        names: Of the k attributes.
        logits: Of people that were held out from training.
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
    """Probabilities, and which attributes count as seen, by calibration and thresholds of other people.

    The people are cut into five parts, at random; each part is judged with what the other four gave.

    Args:
        names: Of the k attributes.
        logits: Of people that were held out from training.
        labels: 1, 0, or NaN where not known.
        either_or: Attributes that are one thing or the other.
        groups: The identity of each; one identity is in one part. None: all are different people.
    """
    who = np.arange(len(logits)) if groups is None else np.asarray(groups, str)
    _, which = np.unique(who, return_inverse=True)
    part = (np.random.default_rng(0).permutation(int(which.max(initial=-1)) + 1) % _PARTS)[which]
    probabilities, seen = np.zeros_like(logits), np.zeros(logits.shape, bool)
    for each in range(_PARTS):
        answers = fit_answers(names, logits[part != each], labels[part != each], either_or)
        probabilities[part == each] = answers.probabilities(logits[part == each])
        seen[part == each] = probabilities[part == each] >= np.array(answers.thresholds, np.float32)
    return probabilities, seen


def cross_checked(
    names: Sequence[str],
    logits: Float32[np.ndarray, "n k"],
    labels: Float32[np.ndarray, "n k"],
    either_or: Collection[str] = (),
) -> dict[str, dict[str, float]]:
    """``ece`` and ``mA`` of each attribute by :func:`cross_fitted`, whose arguments these are."""
    probabilities, seen = cross_fitted(names, logits, labels, either_or)
    told = {}
    for i, name in enumerate(names):
        known = ~np.isnan(labels[:, i])
        has = labels[known, i] == 1
        if min(has.sum(), (~has).sum()) >= _LEAST:
            told[name] = {
                "ece": calibration_error(has, probabilities[known, i]),
                "mA": balanced_accuracy(has, seen[known, i]),
            }
    return told


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    asked = parser.parse_args(arguments)
    _, kept = read_people(asked.data)
    with tempfile.TemporaryDirectory() as folder:
        told = describe_labelled(kept, load_config(), PredictionCache(Path(folder), compute_here))
    labels = labels_of(kept)
    labels[np.array([person.weights for person in kept]) < 1] = np.nan
    logits = _logits(told.probabilities, read_answers(NAMES))
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
    means = {key: round(float(np.mean([each[key] for each in checked.values()])), 4) for key in ("ece", "mA")}
    shown = {name: {key: round(value, 4) for key, value in each.items()} for name, each in checked.items()}
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
