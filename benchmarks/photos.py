"""Photographs to measure on: the research data where it is, else crops of the sample photographs that
installed packages carry.
"""

import os
import shutil
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np

SAMPLES = [
    ("skimage", f"data/{name}")
    for name in ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "rocket.jpg")
] + [("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")]


def natural_photos(folder: Path, n: int, seed: int) -> str:
    """Fill a folder with n different JPEG photographs; return their sources, in words."""
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(os.environ.get("PAR_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")).resolve()
    photographs = [
        path
        for part in ("pennfudan/PNGImages", "coco_people/images", "flickr8k/images")
        for path in sorted((data / part).glob("*.jpg"))
    ]
    chosen = np.random.default_rng(seed)
    for number, path in enumerate(photographs[:n]):
        shutil.copy(path, folder / f"{number:05d}.jpg")
    sources = photographs or [Path(str(files(package).joinpath(inside))) for package, inside in SAMPLES]
    for number in range(min(len(photographs), n), n):
        picture = cv2.imread(str(sources[number % len(sources)]))
        height, width = picture.shape[:2]
        share = chosen.uniform(0.7, 1.0)
        top, left = int(chosen.uniform(0, (1 - share) * height)), int(chosen.uniform(0, (1 - share) * width))
        crop = picture[top : top + int(share * height), left : left + int(share * width)]
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), crop, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return (
        f"{min(len(photographs), n)} photographs and {max(0, n - len(photographs))} crops of"
        f" {'them' if photographs else 'sample photographs'}"
    )
