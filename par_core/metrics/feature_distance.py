"""How far two sets of pictures are apart in the features of a network.

- KID, the squared maximum mean discrepancy with the kernel (x.y / d + 1)^3, unbiased: Binkowski et al.,
  "Demystifying MMD GANs", ICLR 2018. Its expectation is 0 for two samples of one distribution; an estimate
  may be below 0.
- Frechet distance of two Gaussians: Heusel et al., NIPS 2017, here on principal components, since a
  covariance of d features needs many more than d pictures.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import sqrtm

from par_core.errors import BadInputError

__all__ = ["Kid", "frechet_distance", "kid"]


@dataclass(frozen=True, slots=True)
class Kid:
    """Mean and standard deviation over subsets."""

    mean: float
    deviation: float


def kid(
    first: Float[np.ndarray, "n d"],
    second: Float[np.ndarray, "m d"],
    *,
    subsets: int = 5,
    size: int = 100,
    seed: int = 0,
) -> Kid:
    """Kernel inception distance.

    Args:
        first: Features of some pictures.
        second: Features of others.
        subsets: How many pairs of subsets are drawn.
        size: Pictures in each, or all of the smaller set.
        seed: Seed of the draws.

    Raises:
        BadInputError: A set has fewer than two pictures.
    """
    m = min(size, len(first), len(second))
    if m < 2:
        raise BadInputError(
            f"two sets of at least two pictures are needed, got {len(first)} and {len(second)}"
        )
    rng = np.random.default_rng(seed)
    values = [
        _mmd(
            first[rng.choice(len(first), m, replace=False)].astype(np.float64),
            second[rng.choice(len(second), m, replace=False)].astype(np.float64),
        )
        for _ in range(subsets)
    ]
    return Kid(float(np.mean(values)), float(np.std(values)))


def _mmd(x: np.ndarray, y: np.ndarray) -> float:
    m, d = x.shape
    within = sum((_kernel(a, a, d).sum() - np.trace(_kernel(a, a, d))) / (m * (m - 1)) for a in (x, y))
    return float(within - 2 * _kernel(x, y, d).mean())


def _kernel(x: np.ndarray, y: np.ndarray, d: int) -> np.ndarray:
    return np.asarray((x @ y.T / d + 1) ** 3)


def frechet_distance(
    first: Float[np.ndarray, "n d"], second: Float[np.ndarray, "m d"], *, components: int = 64
) -> float:
    """Squared Frechet distance of the Gaussians of two sets.

    Args:
        first: Features of some pictures.
        second: Features of others; the components are those of both.
        components: Principal components at most, and no more than a third of the smaller set.

    Raises:
        BadInputError: A set has fewer than six pictures.
    """
    count = min(components, min(len(first), len(second)) // 3, first.shape[1])
    if count < 2:
        raise BadInputError(
            f"two sets of at least six pictures are needed, got {len(first)} and {len(second)}"
        )
    both = np.concatenate([first, second]).astype(np.float64)
    _, _, axes = np.linalg.svd(both - both.mean(axis=0), full_matrices=False)
    x, y = (np.asarray(features, np.float64) @ axes[:count].T for features in (first, second))
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    cross = np.real(sqrtm(cov_x @ cov_y))
    apart = float(((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum())
    return apart + float(np.trace(cov_x + cov_y - 2 * cross))
