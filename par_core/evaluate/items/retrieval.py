"""Text queries and the score of every person for each."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from par_core.evaluate.items.figures import Figures, bound, mean
from par_core.metrics.label_based import known_items
from par_core.metrics.ranking import average_precision

__all__ = ["RetrievalItems"]


@dataclass(frozen=True, slots=True)
class RetrievalItems:
    """Text queries and the score of every person for each.

    Attributes:
        queries: q texts.
        labels: 1 for those who fit, 0 for those who do not, NaN where nothing is known.
        scores: Log-odds that the person fits, by which searches rank
            (:meth:`par_core.models.text_evidence.TextScorer.evidence`); unbounded, higher is likelier.
    """

    queries: tuple[str, ...]
    labels: Float32[np.ndarray, "q n"]
    scores: Float32[np.ndarray, "q n"]

    @property
    def images(self) -> int:
        """How many people every query ranks."""
        return self.labels.shape[1]

    @property
    def groups(self) -> None:
        """Single images: the data sets that retrieval is evaluated on know no identities."""
        return None

    def figures(self) -> Figures:
        """Average precision over prevalence: the mean, then each query."""
        figures: Figures = {
            f"ap_over_prevalence: {query}": bound(self._over_prevalence, i)
            for i, query in enumerate(self.queries)
        }
        return (
            {"mean_ap_over_prevalence": lambda rows: mean([figure(rows) for figure in figures.values()])}
            if figures
            else {}
        ) | figures

    def table(self) -> pa.Table:
        """One row a query: ``query``, ``ap``, ``prevalence``, and ``labels`` and ``scores`` of all images, by
        name; null where unknown.
        """
        known = [known_items(y, s) for y, s in zip(self.labels, self.scores, strict=True)]
        lists = {
            "labels": pa.array(
                [pa.array(row, from_pandas=True) for row in self.labels], pa.list_(pa.float32())
            ),
            "scores": pa.array(list(self.scores), pa.list_(pa.float32())),
        }
        numbers = {
            "ap": [average_precision(has, s) for has, s in known],
            "prevalence": [float(has.mean()) for has, _ in known],
        }
        return pa.table(
            {
                "query": pa.array(self.queries, pa.string()),
                **{name: pa.array(values, pa.float64()) for name, values in numbers.items()},
                **lists,
            }
        )

    def _over_prevalence(self, query: int, rows: Int64[np.ndarray, " r"]) -> float:
        has, scores = known_items(self.labels[query, rows], self.scores[query, rows])
        return average_precision(has, scores) / float(has.mean()) if has.any() else float("nan")
