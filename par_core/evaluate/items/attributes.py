"""People with labels and probabilities."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from par_core.attributes.vocabulary import ATTRIBUTES, BY_NAME
from par_core.evaluate.items.figures import Figures, bound, mean
from par_core.metrics.label_based import balanced_accuracy, known_items, ratio
from par_core.metrics.ranking import roc_auc

__all__ = ["ACCURACIES", "CLOTHING", "AttributeItems"]

#: Attributes that the means are over.
CLOTHING: Final = tuple(attribute.name for attribute in ATTRIBUTES if attribute.ccp)

#: Attributes for which papers report plain accuracy: gender and orientation.
ACCURACIES: Final = ("female", "front")


@dataclass(frozen=True, slots=True)
class AttributeItems:
    """People with labels and probabilities.

    Attributes:
        names: Names of n images.
        attributes: Names of the k columns.
        labels: 1, 0, or NaN where nothing is known.
        probabilities: In [0, 1]; NaN where the model does not know the attribute, or gives no answer.
        thresholds: Thresholds of the attributes that are scored; the others have no figures.
        identities: Identities of the n people, "" where unknown; empty if the data set knows no identities.
    """

    names: tuple[str, ...]
    attributes: tuple[str, ...]
    labels: Float32[np.ndarray, "n k"]
    probabilities: Float32[np.ndarray, "n k"]
    thresholds: dict[str, float]
    identities: tuple[str, ...] = ()

    @property
    def images(self) -> int:
        """How many people."""
        return len(self.names)

    @property
    def groups(self) -> tuple[str, ...] | None:
        """The images of one identity are drawn together; an image of unknown identity is drawn alone."""
        if not any(self.identities):
            return None
        return tuple(f"identity {who}" if who else f"image {i}" for i, who in enumerate(self.identities))

    @property
    def averaged(self) -> tuple[str, ...]:
        """The attributes that means are over: of PAR's own vocabulary those of clothing, of any other all
        that are scored.
        """
        own = all(name in BY_NAME for name in self.attributes)
        return tuple(name for name in (CLOTHING if own else self.attributes) if name in self.thresholds)

    def figures(self) -> Figures:
        """``mean_auc`` and ``mA`` over :attr:`averaged`; ``accuracy``, ``mA``, ``recall`` and ``specificity``
        (the recall of men, and of those seen from behind) of gender and orientation; ``auc`` of each
        attribute.
        """
        averaged = self.averaged
        means: Figures = {}
        if averaged:
            means = {
                "mean_auc": lambda rows: mean([self._auc(name, rows) for name in averaged]),
                "mA": lambda rows: mean(
                    [balanced_accuracy(*self._predicted(name, rows)) for name in averaged]
                ),
            }
        either_or = {
            "accuracy": self._accuracy,
            "mA": self._mean_accuracy,
            "recall": self._recall,
            "specificity": self._specificity,
        }
        accuracies: Figures = {
            f"{metric}: {name}": bound(figure, name)
            for name in ACCURACIES
            if name in self.thresholds
            for metric, figure in either_or.items()
        }
        return {
            **means,
            **accuracies,
            **{f"auc: {name}": bound(self._auc, name) for name in self.thresholds},
        }

    def table(self) -> pa.Table:
        """One row a person: ``image``, ``identity`` if any is known, ``X_label`` and ``X_probability`` of
        attributes X.

        Null where unknown.
        """
        columns: dict[str, Any] = {"image": pa.array(self.names, pa.string())}
        if any(self.identities):
            columns["identity"] = pa.array([who or None for who in self.identities], pa.string())
        for i, name in enumerate(self.attributes):
            columns[f"{name}_label"] = pa.array(self.labels[:, i], from_pandas=True)
            columns[f"{name}_probability"] = pa.array(self.probabilities[:, i], from_pandas=True)
        return pa.table(columns)

    def _labelled(self, name: str, rows: Int64[np.ndarray, " r"]) -> tuple[np.ndarray, np.ndarray]:
        """Labels and probabilities of those whose label is known; NaN, an answer that is missing, is never
        seen and ranks last.
        """
        column = self.attributes.index(name)
        return known_items(self.labels[rows, column], self.probabilities[rows, column])

    def _predicted(self, name: str, rows: Int64[np.ndarray, " r"]) -> tuple[np.ndarray, np.ndarray]:
        has, p = self._labelled(name, rows)
        return has, p >= self.thresholds[name]

    def _auc(self, name: str, rows: Int64[np.ndarray, " r"]) -> float:
        return roc_auc(*self._labelled(name, rows))

    def _accuracy(self, name: str, rows: Int64[np.ndarray, " r"]) -> float:
        has, predicted = self._predicted(name, rows)
        return float((has == predicted).mean()) if len(has) else float("nan")

    def _mean_accuracy(self, name: str, rows: Int64[np.ndarray, " r"]) -> float:
        return balanced_accuracy(*self._predicted(name, rows))

    def _recall(self, name: str, rows: Int64[np.ndarray, " r"]) -> float:
        has, predicted = self._predicted(name, rows)
        return float(ratio((has & predicted).sum(), has.sum()))

    def _specificity(self, name: str, rows: Int64[np.ndarray, " r"]) -> float:
        has, predicted = self._predicted(name, rows)
        return float(ratio((~has & ~predicted).sum(), (~has).sum()))
