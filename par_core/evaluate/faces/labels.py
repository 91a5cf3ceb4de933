"""What data sets say of gender, age and orientation, by the names of their attributes."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Float32

from par_core.datasets.meanings import meaning_of

__all__ = ["AGE_LABELS", "PAPER_AGES", "ages_in", "from_behind", "gender"]

#: First and last whole year of the groups of the paper's Table 2; 16 itself, which is in none of them there,
#: is in the first.
PAPER_AGES: Final = {
    "up to 16": (0, 16),
    "17 to 30": (17, 30),
    "31 to 45": (31, 45),
    "46 to 60": (46, 60),
    "over 60": (61, 150),
}
#: First and last whole year of attributes of data sets.
AGE_LABELS: Final = {
    # RAP
    "AgeLess16": (0, 16),
    "Age17-30": (17, 30),
    "Age31-45": (31, 45),
    "Age46-60": (46, 60),
    "AgeBiger60": (61, 150),
    # PETA
    "personalLess15": (0, 15),
    "personalLess30": (16, 30),
    "personalLess45": (31, 45),
    "personalLess60": (46, 60),
    "personalLarger60": (61, 150),
    # PA-100K
    "AgeLess18": (0, 17),
    "Age18-60": (18, 60),
    "AgeOver60": (61, 150),
}
_BACK: Final = ("Back", "faceBack")
Column = Float32[np.ndarray, " n"]


def gender(attributes: Sequence[str], labels: Float32[np.ndarray, "n k"]) -> tuple[str, Column] | None:
    """Return the attribute that says who is a woman, and 1 for women, 0 for men, NaN; None if none does."""
    for name, column in zip(attributes, labels.T, strict=True):
        meaning = meaning_of(name)
        if meaning is not None and meaning.name == "female" and not np.isnan(column).all():
            return name, (1 - column if meaning.opposite else column).astype(np.float32)
    return None


def from_behind(attributes: Sequence[str], labels: Float32[np.ndarray, "n k"]) -> Column | None:
    """Return 1 for people who are seen from behind, 0 for the others, NaN; None if the data set does not say.

    Where a data set only knows who is seen from the front, the others are those from behind (MIT).
    """
    for name in _BACK:
        if name in attributes:
            return labels[:, list(attributes).index(name)]
    for name, column in zip(attributes, labels.T, strict=True):
        meaning = meaning_of(name)
        if meaning is not None and meaning.name == "front" and not np.isnan(column).all():
            return (1 - column).astype(np.float32)
    return None


def ages_in(ages: Float[np.ndarray, " n"], years: tuple[int, int]) -> np.ndarray:
    """Return whether each age, in years, is in a group; an age counts in whole years, 16.9 as 16."""
    first, last = years
    whole = np.floor(ages)
    return (whole >= first) & (whole <= last)
