"""The quality of a picture, from its pixels alone."""

import cv2

from par_core.types import ImageU8

__all__ = ["glvn"]


def glvn(image: ImageU8) -> float:
    """Compute the normalised grey-level variance: variance divided by mean of the grey values; higher values
    mean a sharper picture with more contrast.

    Source: Santos et al., "Evaluation of autofocus functions in molecular cytogenetic analysis", Journal of
    Microscopy 188 (1997).

    Returns:
        The value, at least 0; 0 for a picture of one colour, black included.
    """
    mean, deviation = cv2.meanStdDev(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    return float(deviation[0, 0] ** 2 / mean[0, 0]) if mean[0, 0] > 0 else 0.0
