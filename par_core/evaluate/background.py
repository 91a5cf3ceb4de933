"""Ablation of the background: the same people, detected once and described with their background eliminated,
blurred and kept, and with masks as they are.

The paper eliminates it (section 6.3) so that attributes are read off the person and not off the street.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from par_core.config import CutoutConfig, RunConfig
from par_core.datasets.labelled_set import Split
from par_core.evaluate.attributes import AttributeRun, people_of, read_people, score_attributes
from par_core.evaluate.comparison import differences
from par_core.metrics.bootstrap import Interval
from par_core.predictions.cache import PredictionCache

__all__ = ["DEFAULT", "VARIANTS", "BackgroundRun", "evaluate_background"]

DEFAULT: Final = "eliminated"
_CUTOUTS: Final = {
    DEFAULT: CutoutConfig(),
    "eliminated, mask not widened": CutoutConfig(dilate=0),
    "blurred": CutoutConfig(background="blur"),
    "blurred, mask not widened": CutoutConfig(background="blur", dilate=0),
    "kept": CutoutConfig(background="keep"),
}
#: Names of the ways to cut people out, the default first.
VARIANTS: Final = tuple(_CUTOUTS)


@dataclass(frozen=True, slots=True)
class BackgroundRun:
    """The same people, cut out in several ways.

    Attributes:
        runs: By variant, the default first.
        changes: For every other variant, difference of each score from the default, with paired intervals.
    """

    runs: Mapping[str, AttributeRun]
    changes: Mapping[str, Mapping[str, Interval]]

    @property
    def data_digest(self) -> str:
        """Digest of names and labels."""
        return self.runs[DEFAULT].data_digest

    @property
    def scores(self) -> dict[str, Any]:
        """``variants`` by name with ``cutout`` and the scores of each; ``changes`` by variant and figure with
        ``estimate``, ``low``, ``high``.
        """
        left_out = ("images", "found", "not_answered", "too_few", "averaged", "instances")
        variants = {
            name: {
                "cutout": _CUTOUTS[name].model_dump(),
                **{key: value for key, value in run.scores.items() if key not in left_out},
            }
            for name, run in self.runs.items()
        }
        changed = {
            name: {
                score: {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
                for score, interval in intervals.items()
            }
            for name, intervals in self.changes.items()
        }
        return {
            "variants": variants,
            "changes": changed,
            "images": self.runs[DEFAULT].scores["images"],
            "found": self.runs[DEFAULT].scores["found"],
        }


def evaluate_background(
    dataset: str,
    root: Path,
    config: RunConfig,
    cache: PredictionCache,
    *,
    split: Split = 0,
    part: str | None = None,
) -> BackgroundRun:
    """Score the attributes with every variant on the same people; arguments and errors as
    :func:`par_core.evaluate.attributes.people_of`.

    Where no person is detected, the whole picture is described, by every variant alike.

    Args:
        dataset: One of ``ATTRIBUTE_SETS``.
        root: Its folder.
        config: Names the models; how people are cut out is left to the variants.
        cache: Predictions, computed where missing.
        split: Official split.
        part: Part of the split.
    """
    data = people_of(read_people(dataset, root, split), cache.folder / "crops", part)
    settings = [
        config.model_copy(update={"describe": config.describe.model_copy(update={"cutout": cutout})})
        for cutout in _CUTOUTS.values()
    ]
    predicted = cache.people([person.image for person in data.people], settings)
    runs = {name: score_attributes(data, people) for name, people in zip(VARIANTS, predicted, strict=True)}
    changes = {name: differences(runs[DEFAULT].items, runs[name].items) for name in VARIANTS[1:]}
    return BackgroundRun(runs, changes)
