"""Splits with each person in one part, and how much an official split shows of its test people beforehand.

Jia et al. (arXiv 2005.11909 and 2107.03576) found that in PETA and RAP the same people are in train and in
test, in near-identical pictures, and that this flatters every score. Their PETAzs and RAPzs share out
identities, 3 : 1 : 1, and search for a draw in which the parts have similar numbers of images and similar
shares of every attribute. The draw here follows that rule; it is not their draw, so compare scores with
theirs only with that said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int

from par_core.datasets.labelled_set import PARTS
from par_core.errors import BadConfigError

__all__ = ["IdentityReport", "identity_disjoint_split", "identity_report"]

SHARES: Final = (0.6, 0.2, 0.2)
_EXCHANGES: Final = 20  # tried for each person


@dataclass(frozen=True, slots=True)
class IdentityReport:
    """Who is in which part.

    Attributes:
        people: Identities that are known.
        images: Images of them.
        shared: Identities in two parts, by the parts' names such as ``train and test``; empty without a
            split.
        test_seen: Share of the test images whose person is known that show a person of train; None where
            there are none.
    """

    people: int
    images: int
    shared: dict[str, int]
    test_seen: float | None


def identity_report(identities: Sequence[str], parts: Mapping[str, Sequence[int]]) -> IdentityReport:
    """Compare the people of a split's parts.

    Args:
        identities: Identities of n images, "" where the person is not known.
        parts: Indices of images by part.
    """
    present = {part: {identities[i] for i in rows} - {""} for part, rows in parts.items()}
    shared = {
        f"{first} and {second}": len(present[first] & present[second])
        for first, second in combinations(present, 2)
    }
    tested = [identities[i] for i in parts.get("test", ()) if identities[i]]
    test_seen = (
        sum(who in present["train"] for who in tested) / len(tested)
        if tested and "train" in present
        else None
    )
    known = [who for who in identities if who]
    return IdentityReport(len(set(known)), len(known), shared, test_seen)


def identity_disjoint_split(
    identities: Sequence[str],
    labels: Float32[np.ndarray, "n k"],
    *,
    shares: tuple[float, float, float] = SHARES,
    seed: int = 0,
) -> dict[str, tuple[int, ...]]:
    """Indices of train, val and test such that no person is in two of them.

    People are drawn, and then drawn pairs from two parts are exchanged wherever that makes the parts more
    alike: in the number of images against the wanted shares, and in the prevalence of the attribute that
    differs most between any two parts.

    Args:
        identities: Identities of n images, all known.
        labels: 1, 0 or NaN, the attributes to balance.
        shares: Shares of the identities for train, val and test; they add up to 1.
        seed: The same seed gives the same split.

    Raises:
        BadConfigError: Shares are wrong, a person is not known, or there are too few people for three parts.
    """
    if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise BadConfigError(f"shares of train, val and test must be positive and add up to 1, got {shares}")
    if "" in identities:
        raise BadConfigError(
            f"a split by people needs to know them all; image {list(identities).index('') + 1} shows somebody"
            " unknown"
        )
    people, person_of = np.unique(np.array(identities), return_inverse=True)
    ends = np.rint(np.cumsum(shares) * len(people)).astype(int)
    if not 0 < ends[0] < ends[1] < ends[2]:
        raise BadConfigError(f"{len(people)} people are too few to split by {shares}")
    # of each person: images, positive labels, known labels
    sums = np.zeros((len(people), 1 + 2 * labels.shape[1]))
    np.add.at(
        sums, person_of, np.column_stack([np.ones(len(labels)), np.nan_to_num(labels), ~np.isnan(labels)])
    )
    part_of = _balanced(sums, ends, np.array(shares), np.random.default_rng(seed))
    return {
        part: tuple(map(int, np.flatnonzero(part_of[person_of] == number)))
        for number, part in enumerate(PARTS)
    }


def _balanced(
    sums: Float[np.ndarray, "m _"],
    ends: Int[np.ndarray, "3"],
    shares: Float[np.ndarray, "3"],
    rng: np.random.Generator,
) -> Int[np.ndarray, " m"]:
    """The number of the part of each of m people."""
    part_of = np.searchsorted(ends, rng.permutation(len(sums)), side="right")
    totals = np.array([sums[part_of == number].sum(axis=0) for number in range(len(ends))])
    least = _difference(totals, shares)
    for one, other in rng.integers(0, len(sums), (_EXCHANGES * len(sums), 2)):
        if part_of[one] != part_of[other]:
            moved = totals.copy()
            moved[part_of[one]] += sums[other] - sums[one]
            moved[part_of[other]] += sums[one] - sums[other]
            if (difference := _difference(moved, shares)) < least:
                totals, least = moved, difference
                part_of[one], part_of[other] = part_of[other], part_of[one]
    return part_of


def _difference(totals: Float[np.ndarray, "3 _"], shares: Float[np.ndarray, "3"]) -> float:
    """How unlike three parts are, in [0, 1]: the larger of the two differences that
    ``identity_disjoint_split`` names.
    """
    images, (positive, known) = totals[:, 0], np.split(totals[:, 1:], 2, axis=1)
    rates = positive / np.maximum(known, 1)
    return float(
        max(
            np.abs(images / images.sum() - shares).max(),
            (rates.max(axis=0) - rates.min(axis=0)).max(initial=0.0),
        )
    )
