r"""How far BRISQUE agrees with other implementations, and how far the perceptual hash tells copies from other
pictures.

    pip download --no-deps brisque==0.2.0 opencv-contrib-python-headless==5.0.0.93  # unzip both into other/
    pip install --no-deps --target other libsvm-official
    PYTHONPATH=other:. python benchmarks/agreement.py --pedestrians mit_pedestrian/ \
        > benchmarks/results/agreement.json

Pictures: the photographs of scikit-image; each as it is, blurred (sigma 3), with noise (sigma 25 grey
levels), and as JPEG of quality 10. The package brisque 0.2.0 needs changes before it runs on NumPy 2; they
are made in memory.
"""

import argparse
import importlib.util
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy
import scipy.ndimage
import skimage.color
from machine import provenance
from scipy.stats import spearmanr

from par_core.archive.brisque import brisque_features, fit_generalised_gaussian
from par_core.archive.brisque_model import BrisqueModel, installed_model
from par_core.evaluate.leakage.perceptual_hash import hash_distances, perceptual_hash
from par_core.evaluate.leakage.threshold import choose_threshold

SEED = 0
FILES = [
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "color.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
    "page.png",
    "text.png",
]
RATES = (1e-2, 1e-3, 1e-4)

Change = Callable[[np.ndarray], np.ndarray]


def read(file: Path) -> np.ndarray:
    """RGB of a picture."""
    return cv2.cvtColor(cv2.imread(str(file), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The picture after JPEG."""
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def cropped(image: np.ndarray, share: float) -> np.ndarray:
    """Without a share of height and width, at least one pixel, on every side."""
    y, x = (max(1, round(side * share)) for side in image.shape[:2])
    return np.ascontiguousarray(image[y:-y, x:-x])


def distorted(image: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """The picture in four states."""
    yield "plain", image
    yield "blur", cv2.GaussianBlur(image, (0, 0), 3)
    yield "noise", np.clip(image + rng.normal(0, 25, image.shape), 0, 255).astype(np.uint8)
    yield "jpeg", jpeg(image, 10)


def package_judge() -> Any:
    """The class of the package brisque 0.2.0."""
    spec = importlib.util.find_spec("brisque")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    package, module = types.ModuleType("brisque"), types.ModuleType("brisque.brisque")
    package.__path__, package.__spec__ = [str(folder)], spec
    sys.modules |= {"brisque": package, "scipy.ndimage.filters": scipy.ndimage}
    scipy.ndarray = np.ndarray
    code = (
        (folder / "brisque.py")
        .read_text()
        .replace("squares_sum / ((filtered_values.shape))", "squares_sum / filtered_values.size")
    )
    exec(compile(code, "brisque.py", "exec"), module.__dict__)
    return module.BRISQUE()


def contrib_score(model: BrisqueModel) -> Callable[[np.ndarray], float]:
    """Features by opencv-contrib, which carries a port of the authors' C++ release; our regression."""

    def score(image: np.ndarray) -> float:
        features = cv2.quality.QualityBRISQUE_computeFeatures(np.ascontiguousarray(image[..., ::-1]))
        return model.score(np.asarray(features, np.float64).ravel())

    return score


def compared(ours: np.ndarray, theirs: np.ndarray, states: np.ndarray) -> dict[str, Any]:
    """Distances between scores, over all pictures and by state."""
    apart = np.abs(ours - theirs)
    by_state = {
        state: {
            "median": float(np.median(apart[states == state])),
            "max": float(apart[states == state].max()),
        }
        for state in dict.fromkeys(states)
    }
    return {
        "median": float(np.median(apart)),
        "mean": float(apart.mean()),
        "max": float(apart.max()),
        "spearman": float(spearmanr(ours, theirs)[0]),
        "by_state": by_state,
    }


def features_as_the_package(image: np.ndarray) -> np.ndarray:
    """Our fit with the choices of the package: black around the picture, other weights of the colours, no
    pairs across the edge, float64.
    """
    grey, features = skimage.color.rgb2gray(image), []
    for scaled in (grey, cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC)):
        mean, squares = (
            cv2.GaussianBlur(each, (7, 7), 7 / 6, borderType=cv2.BORDER_CONSTANT)
            for each in (scaled, scaled * scaled)
        )
        values = ((scaled - mean) / (np.sqrt(np.abs(squares - mean * mean)) + 1 / 255)).astype(np.float32)
        shape, _, left, right = fit_generalised_gaussian(values, values.size)
        features += [shape, (left + right) / 2]
        above, below = values[:-1], values[1:]
        for products in (
            values[:, :-1] * values[:, 1:],
            above * below,
            above[:, :-1] * below[:, 1:],
            below[:, :-1] * above[:, 1:],
        ):
            features += fit_generalised_gaussian(products, products.size)
    return np.array(features)


def brisque() -> dict[str, Any]:
    """Scores of all pictures by three implementations, and by ours with the choices of the package."""
    model, package = installed_model(), package_judge()
    assert model is not None
    judges: dict[str, Callable[[np.ndarray], float]] = {
        "par": lambda image: model.score(brisque_features(image)),
        "opencv_contrib": contrib_score(model),
        "brisque_0_2_0": lambda image: float(package.score(image)),
        "par_with_the_choices_of_brisque_0_2_0": lambda image: model.score(features_as_the_package(image)),
    }
    rng = np.random.default_rng(SEED)
    drawn = rng.uniform(model.lowest, model.highest, (200, len(model.lowest)))
    rows = [
        {"file": name, "state": state, **{judge: score(image) for judge, score in judges.items()}}
        for name in FILES
        for state, image in distorted(read(Path(skimage.__file__).parent / "data" / name), rng)
    ]
    states = np.array([row["state"] for row in rows])
    pairs = [
        ("par", "opencv_contrib"),
        ("par", "brisque_0_2_0"),
        ("opencv_contrib", "brisque_0_2_0"),
        ("par_with_the_choices_of_brisque_0_2_0", "brisque_0_2_0"),
    ]
    return {
        "pictures": len(rows),
        "regression_against_libsvm_max": max(
            abs(model.score(each) - float(package.calculate_image_quality_score(each))) for each in drawn
        ),
        "distances": {
            f"{a} / {b}": compared(
                np.array([row[a] for row in rows]), np.array([row[b] for row in rows]), states
            )
            for a, b in pairs
        },
        "rows": rows,
    }


def copies(folder: Path) -> dict[str, Any]:
    """Bits between pedestrians and their copies, and between different pedestrians."""
    changes: dict[str, Change] = {
        "half_the_size": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "jpeg_30": lambda image: jpeg(image, 30),
        "cropped_2_percent_a_side": lambda image: cropped(image, 0.02),
        "cropped_5_percent_a_side": lambda image: cropped(image, 0.05),
    }
    images = [read(file) for file in sorted(folder.glob("*.jpg"))]
    hashes = np.array([perceptual_hash(image) for image in images], np.uint64)
    others = hash_distances(hashes[:, None], hashes[None])[np.triu_indices(len(images), 1)].astype(np.float64)
    figures: dict[str, Any] = {
        "pictures": len(images),
        "pairs": len(others),
        "identical_hashes": int((others == 0).sum()),
        "at_rate": {},
    }
    same = {
        name: (
            hash_distances(hashes, np.array([perceptual_hash(change(i)) for i in images], np.uint64)).astype(
                float
            )
        )
        for name, change in changes.items()
    }
    for rate in RATES:
        threshold = choose_threshold(np.concatenate(list(same.values())), others, rate)
        found_of_copies = {name: float((apart <= threshold.distance).mean()) for name, apart in same.items()}
        figures["at_rate"][f"{rate:g}"] = {
            "max_bits": threshold.distance,
            "mistaken": threshold.mistaken,
            "found": found_of_copies,
        }
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pedestrians", type=Path, required=True, help="folder of the MIT pedestrians")
    options = parser.parse_args()
    print(
        json.dumps(
            {
                "part": "agreement",
                "brisque": brisque(),
                "copies": copies(options.pedestrians),
                **provenance(SEED),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
