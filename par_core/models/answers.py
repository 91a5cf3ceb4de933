"""The meaning of an attribute network's outputs: their names, calibration, and the probability from which an
attribute counts as seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

__all__ = ["Answers"]


@dataclass(frozen=True, slots=True)
class Answers:
    """Names, calibration and thresholds of k attributes.

    Attributes:
        names: Names of the attributes, in the order of the outputs.
        scales: Scale of each logit: x becomes the probability sigmoid(scale * x + offset) (Platt 1999).
        offsets: Offset of each logit; see ``scales``.
        thresholds: Probability from which each attribute counts as seen, in [0, 1]; chosen on validation
            people.
    """

    names: tuple[str, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    thresholds: tuple[float, ...]

    @classmethod
    def uncalibrated(cls, names: Sequence[str]) -> "Answers":
        """Return answers with unscaled logits and thresholds of one half."""
        k = len(names)
        return cls(tuple(names), (1.0,) * k, (0.0,) * k, (0.5,) * k)

    @classmethod
    def of_json(cls, content: Mapping[str, Mapping[str, float]]) -> "Answers":
        """Return the answers of a mapping from name to ``scale``, ``offset`` and ``threshold``."""
        parts = ([row[key] for row in content.values()] for key in ("scale", "offset", "threshold"))
        return cls(tuple(content), *(tuple(map(float, part)) for part in parts))

    def as_json(self) -> dict[str, Any]:
        """Return the mapping that :meth:`of_json` reads."""
        rows = zip(self.names, self.scales, self.offsets, self.thresholds, strict=True)
        return {
            name: {"scale": scale, "offset": offset, "threshold": threshold}
            for name, scale, offset, threshold in rows
        }

    def ordered(self, names: Sequence[str]) -> "Answers":
        """Return the answers of some of the names, in the given order."""
        places = [self.names.index(name) for name in names]
        return Answers(
            tuple(names),
            *(tuple(part[i] for i in places) for part in (self.scales, self.offsets, self.thresholds)),
        )

    def probabilities(self, logits: Float32[np.ndarray, "n k"]) -> Float32[np.ndarray, "n k"]:
        """Return the calibrated probabilities of logits, in [0, 1]."""
        scaled = logits * np.array(self.scales, np.float32) + np.array(self.offsets, np.float32)
        return (1 / (1 + np.exp(-scaled))).astype(np.float32)
