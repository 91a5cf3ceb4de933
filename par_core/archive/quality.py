"""The quality of a picture, from its pixels alone."""

from typing import Final

import cv2
import numpy as np

from par_core.types import ImageU8

__all__ = ["glvn", "sharpness"]

_HEIGHT: Final = (
    160  # pixels, to which a higher picture is shrunk: blur that is no longer seen does not count
)


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


def sharpness(image: ImageU8) -> float:
    """Compute how much of the contrast is between neighbouring pixels: the variance of the Laplacian divided
    by the variance of the grey values, at a height of at most 160 pixels. Unlike GLVN it says little of
    contrast and much of blur.

    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000 (variance of the
    Laplacian); the division makes it independent of contrast.

    Returns:
        The value, at least 0; 0 for a picture of one colour.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if grey.shape[0] > _HEIGHT:
        width = max(round(grey.shape[1] * _HEIGHT / grey.shape[0]), 1)
        grey = cv2.resize(grey, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
    variance = float(grey.var())
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) / variance if variance > 0 else 0.0
