"""The items that an evaluation has scored, one by one, and the figures that are computed from them.

Intervals draw items again, and two runs are compared item by item; so both need more than the scores of a
run. Every figure is a function of the numbers of the images drawn
(:func:`par_core.metrics.bootstrap.bootstrap_rows`), and higher is better for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from par_core.attributes.vocabulary import ATTRIBUTES, BY_NAME
from par_core.metrics.label_based import balanced_accuracy, known_items, ratio
from par_core.metrics.ranking import average_precision, roc_auc

__all__ = [
    "ACCURACIES",
    "CLOTHING",
    "AttributeItems",
    "Figures",
    "Items",
    "RetrievalItems",
    "SegmentationItems",
    "items_of",
]

Figures = dict[str, Callable[[Int64[np.ndarray, " r"]], float]]

#: Attributes that the means are over.
CLOTHING: Final = tuple(attribute.name for attribute in ATTRIBUTES if attribute.ccp)

#: Attributes for which papers report plain accuracy: gender and orientation.
ACCURACIES: Final = ("female", "front")


@runtime_checkable
class Items(Protocol):
    """What intervals and comparisons need."""

    @property
    def images(self) -> int:
        """How many images there are to draw from."""
        ...

    @property
    def groups(self) -> tuple[str, ...] | None:
        """Which images are drawn together: one name for each image; None draws single images."""
        ...

    def figures(self) -> Figures:
        """Functions of the images drawn, by name of the figure: means first, then ``metric: attribute or
        query``.
        """
        ...

    def table(self) -> pa.Table:
        """For ``items.parquet``."""
        ...


@dataclass(frozen=True, slots=True)
class AttributeItems:
    """People with labels and probabilities.

    Attributes:
        names: Names of n images.
        attributes: Names of the k columns.
        labels: 1, 0, or NaN where nothing is known.
        probabilities: In [0, 1]; NaN where the model does not know the attribute.
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
        """``mean_auc`` and ``mA`` over :attr:`averaged`, ``accuracy`` of gender and orientation, ``auc`` of
        each attribute.
        """
        averaged = self.averaged
        means: Figures = {}
        if averaged:
            means = {
                "mean_auc": lambda rows: _mean([self._auc(name, rows) for name in averaged]),
                "mA": lambda rows: _mean(
                    [balanced_accuracy(*self._predicted(name, rows)) for name in averaged]
                ),
            }
        accuracies: Figures = {
            f"accuracy: {name}": _bound(self._accuracy, name)
            for name in ACCURACIES
            if name in self.thresholds
        }
        return {
            **means,
            **accuracies,
            **{f"auc: {name}": _bound(self._auc, name) for name in self.thresholds},
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
        column = self.attributes.index(name)
        has, p = known_items(self.labels[rows, column], self.probabilities[rows, column])
        answered = ~np.isnan(p)
        return has[answered], p[answered]

    def _predicted(self, name: str, rows: Int64[np.ndarray, " r"]) -> tuple[np.ndarray, np.ndarray]:
        has, p = self._labelled(name, rows)
        return has, p >= self.thresholds[name]

    def _auc(self, name: str, rows: Int64[np.ndarray, " r"]) -> float:
        return roc_auc(*self._labelled(name, rows))

    def _accuracy(self, name: str, rows: Int64[np.ndarray, " r"]) -> float:
        has, predicted = self._predicted(name, rows)
        return float((has == predicted).mean()) if len(has) else float("nan")


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
            f"ap_over_prevalence: {query}": _bound(self._over_prevalence, i)
            for i, query in enumerate(self.queries)
        }
        return (
            {"mean_ap_over_prevalence": lambda rows: _mean([figure(rows) for figure in figures.values()])}
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
    """

    names: tuple[str, ...]
    matched: Int64[np.ndarray, " n"]
    missed: Int64[np.ndarray, " n"]
    false: Int64[np.ndarray, " n"]
    quality: Float32[np.ndarray, " n"]

    @property
    def images(self) -> int:
        """How many photographs."""
        return len(self.names)

    @property
    def groups(self) -> None:
        """Whole photographs, each with all people in it."""
        return None

    def figures(self) -> Figures:
        """``precision`` and ``recall`` over all people, and ``quality``: the mean over photographs."""

        def share(other: Int64[np.ndarray, " n"]) -> Callable[[Int64[np.ndarray, " r"]], float]:
            return lambda rows: float(
                ratio(self.matched[rows].sum(), self.matched[rows].sum() + other[rows].sum())
            )

        shares: Figures = {"precision": share(self.false), "recall": share(self.missed)}
        return shares | {"quality": lambda rows: _mean_of_known(self.quality[rows])}

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


def items_of(kind: str, table: pa.Table, thresholds: dict[str, float]) -> Items:
    """Read what ``table()`` wrote.

    Args:
        kind: ``attributes``, ``retrieval`` or ``segmentation``.
        table: With the columns of that kind.
        thresholds: Thresholds of the attributes that were scored.

    Raises:
        KeyError: A column is missing.
    """

    def column(name: str) -> Any:
        return table.column(name).to_numpy(zero_copy_only=False)

    match kind:
        case "attributes":
            attributes = tuple(
                name.removesuffix("_label") for name in table.column_names if name.endswith("_label")
            )
            labels, probabilities = (
                np.array([column(f"{name}_{what}") for name in attributes], np.float32)
                .reshape(len(attributes), table.num_rows)
                .T
                for what in ("label", "probability")
            )
            identities = table.column("identity").to_pylist() if "identity" in table.column_names else []
            names, who = tuple(table.column("image").to_pylist()), tuple(name or "" for name in identities)
            return AttributeItems(names, attributes, labels, probabilities, thresholds, who)
        case "retrieval":
            labels, scores = (
                np.array(table.column(what).to_pylist(), np.float32).reshape(table.num_rows, -1)
                for what in ("labels", "scores")
            )
            return RetrievalItems(tuple(table.column("query").to_pylist()), labels, scores)
    matched, missed, false = (column(name).astype(np.int64) for name in ("matched", "missed", "false"))
    return SegmentationItems(
        tuple(table.column("image").to_pylist()), matched, missed, false, column("quality").astype(np.float32)
    )


def _bound(
    figure: Callable[[Any, Int64[np.ndarray, " r"]], float], which: Any
) -> Callable[[Int64[np.ndarray, " r"]], float]:
    return lambda rows: figure(which, rows)


def _mean(values: Sequence[float]) -> float:
    """NaN if one of them is: a mean over fewer attributes or queries is another figure."""
    return float(np.mean(values))


def _mean_of_known(values: Float32[np.ndarray, " r"]) -> float:
    """Over the photographs that have a value; NaN if none has."""
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")
