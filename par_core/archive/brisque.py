"""BRISQUE: the naturalness of a picture without a reference, from 36 statistics of its pixels.

Source: Mittal, Moorthy, Bovik, "No-reference image quality assessment in the spatial domain", IEEE
Transactions on Image Processing 21 (2012), section III; equation numbers below are the paper's. Where the
paper leaves choices open, this follows the authors' C++ release of 2011, because the published model
parameters were learned from its features: ``docs/quality.md`` lists the choices.
"""

import math
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from par_core.types import ImageU8

__all__ = ["FEATURES", "brisque_features", "fit_generalised_gaussian", "normalised_luminance"]

#: On each of two scales: shape and variance of the normalised luminance; then shape, mean, left and right
# variance of the products of neighbours
#: to the right, below, and on both diagonals.
FEATURES: Final = 36

_LEAST_SIDE: Final = 4  # pixels
_WINDOW: Final = (7, 7)
_WINDOW_SIGMA: Final = 7 / 6  # pixels
_FLOOR: Final = 1.0  # C of equation 1, grey levels

_Grey = Float32[np.ndarray, "_ _"]


def brisque_features(image: ImageU8) -> Float64[np.ndarray, "36"]:
    """Compute the features of a picture, in the order of ``FEATURES``.

    Returns:
        The features; NaN where nothing can be measured: in a picture of one colour, or with a side of fewer
            than 4 pixels.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    if min(height, width) < _LEAST_SIDE or grey.min() == grey.max():
        return np.full(FEATURES, np.nan)
    full = grey.astype(np.float32)
    half = cv2.resize(full, (width // 2, height // 2), interpolation=cv2.INTER_CUBIC)
    return np.array([*_features_of_scale(full), *_features_of_scale(half)])


def normalised_luminance(grey: _Grey) -> _Grey:
    """Compute mean subtracted, contrast normalised coefficients: equations 1 to 3, with the picture's edge
    continued outwards.

    Args:
        grey: Luminance, 0 to 255.

    Returns:
        The coefficients, as many as pixels; near zero mean and unit variance for photographs without
            distortion.
    """
    mean = _blur(grey)
    variance = cv2.subtract(_blur(cv2.multiply(grey, grey)), cv2.multiply(mean, mean))
    deviation = cv2.sqrt(cv2.max(variance, 0.0))
    return cv2.divide(cv2.subtract(grey, mean), cv2.add(deviation, _FLOOR))


def _blur(values: _Grey) -> _Grey:
    return cv2.GaussianBlur(values, _WINDOW, _WINDOW_SIGMA, borderType=cv2.BORDER_REPLICATE)


def _features_of_scale(grey: _Grey) -> list[float]:
    coefficients = normalised_luminance(grey)
    shape, _, left, right = fit_generalised_gaussian(coefficients, coefficients.size)
    features = [shape, (left + right) / 2]
    above, below = coefficients[:-1], coefficients[1:]
    neighbours = (
        (coefficients[:, :-1], coefficients[:, 1:]),
        (above, below),
        (above[:, :-1], below[:, 1:]),
        (below[:, :-1], above[:, 1:]),
    )
    for first, second in neighbours:
        features += fit_generalised_gaussian(cv2.multiply(first, second), coefficients.size)
    return features


def fit_generalised_gaussian(values: _Grey, size: int) -> tuple[float, float, float, float]:
    """Fit an asymmetric generalised Gaussian by its moments: equations 7 to 14, after Lasmar et al. 2009.

    Args:
        values: Values to fit.
        size: Number of values over which the moments are taken; missing ones (pairs across the picture's
            edge) count as zero.

    Returns:
        Shape in [0.2, 10], mean, left variance, right variance; NaN unless there are values on both sides of
        zero.
    """
    positive = cv2.max(values, 0.0)
    n_right = cv2.countNonZero(positive)
    n_left = cv2.countNonZero(values) - n_right
    if not n_left or not n_right:
        return math.nan, math.nan, math.nan, math.nan
    right_squares = cv2.norm(positive, cv2.NORM_L2SQR)
    left_squares = cv2.norm(cv2.min(values, 0.0), cv2.NORM_L2SQR)
    left, right = math.sqrt(left_squares / n_left), math.sqrt(right_squares / n_right)
    ratio = left / right
    moments = (cv2.norm(values, cv2.NORM_L1) / size) ** 2 / ((left_squares + right_squares) / size)
    wanted = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, ratios = _shapes()
    shape = float(np.interp(wanted, ratios, shapes))
    mean = (right - left) * math.exp(
        math.lgamma(2 / shape) - (math.lgamma(1 / shape) + math.lgamma(3 / shape)) / 2
    )
    return shape, mean, left * left, right * right


@lru_cache(maxsize=1)
def _shapes() -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Shapes from 0.2 to 10 in steps of 0.001, as the authors searched them, and the ratio of moments of each
    (rising).
    """
    shapes = np.linspace(0.2, 10, 9801)
    ratios = [
        math.exp(2 * math.lgamma(2 / shape) - math.lgamma(1 / shape) - math.lgamma(3 / shape))
        for shape in shapes
    ]
    return shapes, np.array(ratios)
