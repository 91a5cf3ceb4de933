"""The BRISQUE score of features: support vector regression with published parameters.

The parameters are the authors' (learned on the LIVE database, release 2, and published with their C++
release) and no part of PAR. They are read from an installed package ``brisque`` (its two data files only;
none of its code runs), or from a file in the authors' own format.
"""

import importlib.util
import io
import math
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from jaxtyping import Float64

from par_core.archive.brisque import FEATURES
from par_core.errors import WeightsError

__all__ = ["BrisqueModel", "installed_model", "read_model"]


@dataclass(frozen=True, slots=True)
class BrisqueModel:
    """An epsilon support vector regression with radial basis functions (Chang and Lin, LIBSVM, 2011, section
    2.4).

    Attributes:
        lowest: Lowest value (36,) of each feature among the training pictures.
        highest: Highest value (36,) likewise.
        vectors: Support vectors (n, 36), of features scaled to -1 to 1.
        weights: Weights (n,) of the support vectors.
        gamma: Parameter gamma of the kernel.
        offset: Number that is subtracted from the weighted sum (LIBSVM's rho).
        source: Path of the file with the vectors.
    """

    lowest: Float64[np.ndarray, "36"]
    highest: Float64[np.ndarray, "36"]
    vectors: Float64[np.ndarray, "n 36"]
    weights: Float64[np.ndarray, " n"]
    gamma: float
    offset: float
    source: str

    def score(self, features: Float64[np.ndarray, "36"]) -> float:
        """Return the score: about 0 (as natural as an undistorted photograph) to 100.

        Returns:
            The score, which may lie a little below 0 or above 100, as with the authors; NaN if a feature is.
        """
        scaled = 2 * (features - self.lowest) / (self.highest - self.lowest) - 1
        distances = np.square(self.vectors - scaled).sum(axis=1)
        return float(self.weights @ np.exp(-self.gamma * distances) - self.offset)


def installed_model() -> BrisqueModel | None:
    """Read the authors' parameters from the package ``brisque``; None if it is not installed.

    Raises:
        WeightsError: The package is installed, but its files have another format.
    """
    package = importlib.util.find_spec("brisque")
    for folder in (package.submodule_search_locations or ()) if package else ():
        vectors, ranges = Path(folder) / "models" / "svm.txt", Path(folder) / "models" / "normalize.pickle"
        if vectors.is_file() and ranges.is_file():
            return _model(vectors, _pickled_ranges(ranges))
    return None


def read_model(vectors: Path) -> BrisqueModel:
    """Read parameters in the authors' format.

    Args:
        vectors: File in LIBSVM's text format (the authors' ``allmodel``). The ranges of the features are read
            from ``allrange`` beside it, as svm-scale writes them.

    Raises:
        WeightsError: A file is missing, or not of this format.
    """
    return _model(vectors, _svm_scale_ranges(vectors.with_name("allrange")))


def _model(file: Path, ranges: Float64[np.ndarray, "36 2"]) -> BrisqueModel:
    header, _, body = _text(file).partition("\nSV\n")
    settings = {name: value for name, _, value in (line.partition(" ") for line in header.splitlines())}
    if (settings.get("svm_type"), settings.get("kernel_type")) != ("epsilon_svr", "rbf"):
        raise WeightsError(
            f"{file}: expected an epsilon_svr with an rbf kernel in LIBSVM's text format, got"
            f" {settings.get('svm_type')}, {settings.get('kernel_type')}"
        )
    lines = body.splitlines()
    weights, vectors = np.zeros(len(lines)), np.zeros((len(lines), FEATURES))
    try:
        for row, line in enumerate(lines):
            weight, *values = line.split()
            weights[row] = float(weight)
            for value in values:
                index, _, number = value.partition(":")
                vectors[row, _index(index)] = float(number)
        gamma, offset, n = float(settings["gamma"]), float(settings["rho"]), int(settings["total_sv"])
    except (ValueError, KeyError) as error:
        raise WeightsError(f"{file}: not LIBSVM's text format: {error}") from error
    if n != len(lines) or not n or not math.isfinite(gamma + offset + weights.sum() + vectors.sum()):
        raise WeightsError(
            f"{file}: damaged: {n} support vectors announced, {len(lines)} there, or a number that is not"
            " finite"
        )
    return BrisqueModel(ranges[:, 0].copy(), ranges[:, 1].copy(), vectors, weights, gamma, offset, str(file))


def _svm_scale_ranges(file: Path) -> Float64[np.ndarray, "36 2"]:
    lines = [line.split() for line in _text(file).splitlines()]
    if lines[:2] != [["x"], ["-1", "1"]]:
        raise WeightsError(
            f"{file}: expected the ranges of svm-scale to -1 to 1, beginning with the lines 'x' and '-1 1'"
        )
    ranges = np.full((FEATURES, 2), np.nan)
    try:
        for index, lowest, highest in lines[2:]:
            ranges[_index(index)] = float(lowest), float(highest)
    except ValueError as error:
        raise WeightsError(f"{file}: not the ranges of svm-scale: {error}") from error
    return _checked(ranges, file)


def _pickled_ranges(file: Path) -> Float64[np.ndarray, "36 2"]:
    try:
        limits = _PlainUnpickler(io.BytesIO(file.read_bytes())).load()
        ranges = np.array([limits["min_"], limits["max_"]], np.float64).T
    except (
        OSError,
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
    ) as error:
        raise WeightsError(f"{file}: cannot be read: {error}") from error
    return _checked(ranges, file)


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles numbers, lists and dictionaries only: the file cannot name code to run."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"expected plain numbers, found {module}.{name}")


def _checked(ranges: Float64[np.ndarray, "_ _"], file: Path) -> Float64[np.ndarray, "36 2"]:
    if (
        ranges.shape != (FEATURES, 2)
        or not np.isfinite(ranges).all()
        or not (ranges[:, 1] > ranges[:, 0]).all()
    ):
        raise WeightsError(f"{file}: expected lowest and highest of {FEATURES} features, got something else")
    return ranges


def _index(text: str) -> int:
    """Index of a feature, which LIBSVM counts from 1."""
    index = int(text) - 1
    if not 0 <= index < FEATURES:
        raise ValueError(f"feature {text}, there are {FEATURES}")
    return index


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except OSError as error:
        raise WeightsError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WeightsError(f"{file}: not a text file") from error
