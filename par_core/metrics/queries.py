"""Retrieval: the metrics of many queries, each of which ranks the same or other items.

Where scores are equal, recall, found, nDCG and rank are the expected values over a random order of the equal
ones, so that ties favour no item; average precision lets them share the precision at the
end of their run. An item with a NaN score is never found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from jaxtyping import Bool, Float, Float64

from par_core.errors import BadInputError
from par_core.metrics.label_based import known_items
from par_core.metrics.ranking import average_precision, operating_points

__all__ = ["QueryScores", "first_rank", "found_at", "inverse_negative_penalty", "ndcg_at", "recall_at"]


def recall_at(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"], k: int) -> float:
    """Share of the relevant items among the first k (Manning et al. 2008, section 8.4), in [0, 1]; NaN if
    nothing is relevant.
    """
    if not relevant.any():
        return float("nan")
    before, size, right = _runs(relevant, scores)
    return float((right * np.clip(k - before, 0, size) / size).sum() / relevant.sum())


def found_at(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"], k: int) -> float:
    """Whether any relevant item is among the first k: what person retrieval calls R@k or rank-k (Li et al.,
    CUHK-PEDES, CVPR 2017).

    Returns:
        0 or 1; the probability of it where equal scores lie across the cut; NaN if nothing is relevant.
    """
    if not relevant.any():
        return float("nan")
    for before, size, right in zip(*_runs(relevant, scores), strict=True):
        if right:
            drawn = int(np.clip(k - before, 0, size))
            return 1 - comb(int(size - right), drawn) / comb(int(size), drawn)
    return 0.0


def first_rank(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    """Rank of the first relevant item, from 1; infinite if all relevant items have NaN scores; NaN if nothing
    is relevant.
    """
    if not relevant.any():
        return float("nan")
    for before, size, right in zip(*_runs(relevant, scores), strict=True):
        if right:
            return float(before + (size + 1) / (right + 1))
    return float("inf")


def inverse_negative_penalty(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    """Number of relevant items over the rank of the last of them: 1 where nothing else comes before it. Its
    mean over queries is mINP.

    Source: Ye et al., Deep learning for person re-identification: a survey and outlook, TPAMI 44 (2022),
    section 4.2.

    Returns:
        In [0, 1]; equal scores share the rank at the end of their run; 0 where a relevant item has a NaN
        score; NaN if nothing is relevant.
    """
    if not relevant.any():
        return float("nan")
    if np.isnan(scores[relevant]).any():
        return 0.0
    return float(relevant.sum() / (scores >= scores[relevant].min()).sum())


def ndcg_at(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"], k: int) -> float:
    """Discounted gain of the first k over that of the best order, a relevant item at rank r gaining 1 /
    log2(r + 1).

    Source: Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20 (2002),
    section 2.2, with the usual discount from rank 1 on (Burges et al. 2005); ties as in McSherry and Najork,
    ECIR 2008.

    Returns:
        In [0, 1]; NaN if nothing is relevant.

    Raises:
        BadInputError: k is below 1.
    """
    if k < 1:
        raise BadInputError(f"nDCG needs at least one rank, got k = {k}")
    if not relevant.any():
        return float("nan")
    gains = 1 / np.log2(np.arange(len(relevant)) + 2)
    gains[k:] = 0
    up_to = np.append(0.0, np.cumsum(gains))
    before, size, right = _runs(relevant, scores)
    first = before.astype(int)
    return float(
        (right / size * (up_to[first + size.astype(int)] - up_to[first])).sum() / up_to[int(relevant.sum())]
    )


@dataclass(frozen=True, slots=True)
class QueryScores:
    """Scores of q queries, one row each; two of them join to those of all queries. A query without any
    relevant item is a row of NaN, and is counted.

    Attributes:
        cuts: Ranks of the columns.
        average_precision: Average precision of each query.
        first_rank: Rank of the first relevant item of each query, at least 1.
        recall: Share of the relevant items that is among the first.
        found: Whether a relevant item is among the first.
        ndcg: nDCG of the first.
    """

    cuts: tuple[int, ...]
    average_precision: Float64[np.ndarray, " q"]
    first_rank: Float64[np.ndarray, " q"]
    recall: Float64[np.ndarray, "q c"]
    found: Float64[np.ndarray, "q c"]
    ndcg: Float64[np.ndarray, "q c"]

    @classmethod
    def of(
        cls,
        labels: Float[np.ndarray, "q n"],
        scores: Float[np.ndarray, "q n"],
        cuts: Sequence[int] = (1, 5, 10),
    ) -> "QueryScores":
        """Score queries.

        Args:
            labels: Label of each item for each query: 1 fits, 0 or 2 does not, NaN is unknown and left out of
                that query's ranking.
            scores: Higher is better; any real number.
            cuts: Ranks at which to score, from 1.

        Raises:
            BadInputError: Another label, or a cut below 1.
        """
        known = [known_items(*pair) for pair in zip(labels, scores, strict=True)]
        per_cut = [
            [[metric(*pair, cut) for cut in cuts] for pair in known]
            for metric in (recall_at, found_at, ndcg_at)
        ]
        per_query = [[metric(*pair) for pair in known] for metric in (average_precision, first_rank)]
        return cls(
            tuple(cuts),
            *(np.array(part, np.float64) for part in per_query),
            *(np.array(part, np.float64).reshape(len(known), len(cuts)) for part in per_cut),
        )

    def __add__(self, other: "QueryScores") -> "QueryScores":
        if self.cuts != other.cuts:
            raise BadInputError(f"scores at the ranks {self.cuts} and {other.cuts} do not join")
        names = ("average_precision", "first_rank", "recall", "found", "ndcg")
        return QueryScores(
            self.cuts, *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names)
        )

    def means(self) -> dict[str, float]:
        """Return means over the queries with a relevant item: ``mAP``, ``median_rank``, ``recall_at_K``,
        ``found_at_K`` and ``ndcg_at_K``; NaN if there is no such query.

        Also ``queries`` and ``skipped``: how many there are, and how many of them have no relevant item.
        """
        defined = ~np.isnan(self.average_precision)
        undefined = not defined.any()
        means = {"mAP": float("nan") if undefined else float(self.average_precision[defined].mean())}
        means["median_rank"] = float("nan") if undefined else float(np.median(self.first_rank[defined]))
        for name in ("recall", "found", "ndcg"):
            for cut, column in zip(self.cuts, getattr(self, name).T, strict=True):
                means[f"{name}_at_{cut}"] = float("nan") if undefined else float(column[defined].mean())
        return means | {"queries": len(defined), "skipped": int((~defined).sum())}


def _runs(relevant: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each run of equal scores, best first, the numbers of items before it, in it, and of relevant
    items in it.
    """
    points = operating_points(relevant, scores)
    before = np.append(0.0, points.shown)[:-1]
    return before, points.shown - before, np.diff(points.right, prepend=0.0)
