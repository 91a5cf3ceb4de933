"""Instance-based metrics: the sets of attributes of one image after the other (Li et al. 2016; paper,
equation 3).

In the field's convention, which the code of Jia et al. 2020 fixes: an image without any positive label scores
0 in accuracy, precision and recall, even if nothing is predicted and all is right; so does one without any
predicted attribute. Where labels are unknown (NaN), an image is judged by its known attributes alone; an
image without any known attribute is left out.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from par_core.metrics.label_based import ratio, read_labels

__all__ = ["InstanceSums", "instance_terms"]


@dataclass(frozen=True, slots=True)
class InstanceSums:
    """Sums over images; two of them add up to that of both sets of images.

    Attributes:
        sums: Sums of the images' accuracy, precision and recall, and the number of images. Leading axes lead
            the results too.
    """

    sums: Float64[np.ndarray, "*b 4"]

    @classmethod
    def of(cls, labels: Float[np.ndarray, "n k"], predicted: Bool[np.ndarray, "n k"]) -> "InstanceSums":
        """Sum up.

        Args:
            labels: 1, 0, 2 or NaN, as in :mod:`par_core.metrics.label_based`.
            predicted: What the model says.

        Raises:
            BadInputError: Another label.
        """
        return cls(instance_terms(labels, predicted).sum(axis=0))

    def __add__(self, other: "InstanceSums") -> "InstanceSums":
        return InstanceSums(self.sums + other.sums)

    @property
    def images(self) -> Float64[np.ndarray, "*b"]:
        """How many images have a known attribute."""
        return np.asarray(self.sums[..., 3])

    @property
    def accuracy(self) -> Float64[np.ndarray, "*b"]:
        """Mean of attributes both labelled and predicted over attributes either labelled or predicted, in [0,
        1]; NaN without images.
        """
        return ratio(self.sums[..., 0], self.images)

    @property
    def precision(self) -> Float64[np.ndarray, "*b"]:
        """Mean share of the predicted attributes that are labelled too, in [0, 1]; NaN without images."""
        return ratio(self.sums[..., 1], self.images)

    @property
    def recall(self) -> Float64[np.ndarray, "*b"]:
        """Mean share of the labelled attributes that are predicted too, in [0, 1]; NaN without images."""
        return ratio(self.sums[..., 2], self.images)

    @property
    def f1(self) -> Float64[np.ndarray, "*b"]:
        """Harmonic mean of the mean precision and the mean recall (not the mean of the images' F1), in [0,
        1]; 0 if both are 0; NaN without images.
        """
        precision, recall = self.precision, self.recall
        return np.asarray(
            np.where(precision + recall == 0, 0.0, ratio(2 * precision * recall, precision + recall))
        )


def instance_terms(
    labels: Float[np.ndarray, "n k"], predicted: Bool[np.ndarray, "n k"]
) -> Float64[np.ndarray, "n 4"]:
    """What each image adds to :class:`InstanceSums`: accuracy, precision, recall and 1, or four times 0
    without any known attribute.

    Raises:
        BadInputError: A label is none of 0, 1, 2 and NaN.
    """
    has, known = read_labels(labels)
    says = predicted & known
    both = (has & says).sum(axis=1)
    sizes = [(has | says).sum(axis=1), says.sum(axis=1), has.sum(axis=1)]
    return np.stack([*(both / np.maximum(size, 1) for size in sizes), known.any(axis=1)], axis=1).astype(
        np.float64
    )
