"""Calibrate the attribute probabilities of the shipped describer on people kept back from training, found and cut out as indexing does.

    python -m par_core.training.calibration --data ../shared/data

Separate from the weights, so that probabilities can be mended without shipping megabytes again. Only full labels count: weak ones, such as
"wears a dress, so probably female", come with positives alone and would push every probability up.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float32
from rich.progress import track

from par_core.config import load_config
from par_core.evaluate.datasets.labels import NAMES, labels_of
from par_core.evaluate.description_run import describe_labelled
from par_core.models.describer import CALIBRATION_FILE, read_calibration
from par_core.models.shipped import FOLDER
from par_core.models.weights import note_digest
from par_core.training.attribute_data import read_people

__all__ = ["fit_platt", "recalibrate"]

_LEAST: Final = 10
_CLIP: Final = 1e-6


def fit_platt(logits: Float32[np.ndarray, " n"], has: Float32[np.ndarray, " n"]) -> tuple[float, float]:
    """Scale and offset of logits by Platt's method (1999), with his priors.

    Args:
        logits: Of people whose label is known.
        has: Their labels, 0 or 1; at least one of each.
    """
    positive = int((has == 1).sum())
    negative = len(has) - positive
    target = torch.from_numpy(np.where(has == 1, (positive + 1) / (positive + 2), 1 / (negative + 2)).astype(np.float32))
    values, parameters = torch.from_numpy(logits), torch.tensor([1.0, 0.0], requires_grad=True)
    optimiser = torch.optim.LBFGS([parameters], max_iter=100)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(values * parameters[0] + parameters[1], target)
        loss.backward()
        return loss

    optimiser.step(closure)
    scale, offset = parameters.detach().tolist()
    return scale, offset


def recalibrate(
    before: Float32[np.ndarray, "k 2"], probabilities: Float32[np.ndarray, "n k"], labels: Float32[np.ndarray, "n k"]
) -> Float32[np.ndarray, "k 2"]:
    """A better calibration than the one that gave some probabilities; unchanged where fewer than ten of either kind are labelled."""
    after = before.copy()
    for i, (p, y) in enumerate(zip(probabilities.T, labels.T, strict=True)):
        known = ~np.isnan(y)
        if min(int((y[known] == 1).sum()), int((y[known] == 0).sum())) >= _LEAST:
            sure = np.clip(p[known].astype(np.float64), _CLIP, 1 - _CLIP)
            scale, offset = fit_platt(np.log(sure / (1 - sure)).astype(np.float32), y[known])
            after[i] = (before[i, 0] * scale, before[i, 1] * scale + offset)
    return after


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    asked = parser.parse_args(arguments)
    _, kept = read_people(asked.data, asked.seed)
    told = describe_labelled(kept, load_config(), lambda people, what: track(people, what))
    labels = labels_of(kept)
    labels[np.array([person.weights for person in kept]) < 1] = np.nan
    after = recalibrate(read_calibration(NAMES), told.probabilities, labels)
    content = {
        "method": "Platt 1999",
        "people": len(kept),
        "seed": asked.seed,
        "attributes": {name: [round(float(value), 5) for value in after[i]] for i, name in enumerate(NAMES)},
    }
    (FOLDER / CALIBRATION_FILE).write_text(json.dumps(content, indent=1) + "\n")
    note_digest(FOLDER, CALIBRATION_FILE)


if __name__ == "__main__":
    main()
