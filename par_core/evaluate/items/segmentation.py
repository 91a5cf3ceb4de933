"""Photographs with the number of people matched, missed and falsely detected."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from par_core.evaluate.items.figures import Figures
from par_core.metrics.coco_ap import RankedPeople, ranked_ap
from par_core.metrics.label_based import ratio

__all__ = ["SegmentationItems"]


@dataclass(frozen=True, slots=True)
class SegmentationItems:
    """Photographs with the number of people matched, missed and falsely detected.

    Attributes:
        names: Names of n photographs.
        matched: People detected with a mask IoU of at least one half.
        missed: Labelled people that were not detected.
        false: Detected people that are not labelled.
        quality: Panoptic quality of each photograph, in [0, 1]: the sum of the matched IoUs over matched +
            (missed + false) / 2 (Kirillov et al. 2019); NaN where no person is labelled or detected.
        ranked: People detected at any score, by the name of an average precision; empty if not wanted.
    """

    names: tuple[str, ...]
    matched: Int64[np.ndarray, " n"]
    missed: Int64[np.ndarray, " n"]
    false: Int64[np.ndarray, " n"]
    quality: Float32[np.ndarray, " n"]
    ranked: Mapping[str, Sequence[RankedPeople]] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """How many photographs."""
        return len(self.names)

    @property
    def groups(self) -> None:
        """Whole photographs, each with all people in it."""
        return None

    def figures(self) -> Figures:
        """``precision`` and ``recall`` over all people, ``quality``: the mean over photographs, and the
        average precisions of ``ranked``.
        """

        def share(other: Int64[np.ndarray, " n"]) -> Callable[[Int64[np.ndarray, " r"]], float]:
            return lambda rows: float(
                ratio(self.matched[rows].sum(), self.matched[rows].sum() + other[rows].sum())
            )

        shares: Figures = {"precision": share(self.false), "recall": share(self.missed)}
        precisions: Figures = {
            name: lambda rows, images=images: ranked_ap([images[i] for i in rows])  # type: ignore[misc]
            for name, images in self.ranked.items()
        }
        return shares | {"quality": lambda rows: _mean_of_known(self.quality[rows])} | precisions

    def table(self) -> pa.Table:
        """One row a photograph: ``image``, ``matched``, ``missed``, ``false``, ``quality``."""
        counts = {"matched": self.matched, "missed": self.missed, "false": self.false}
        return pa.table(
            {
                "image": pa.array(self.names, pa.string()),
                **counts,
                "quality": pa.array(self.quality, from_pandas=True),
            }
        )


def _mean_of_known(values: Float32[np.ndarray, " r"]) -> float:
    """Over the photographs that have a value; NaN if none has."""
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")
