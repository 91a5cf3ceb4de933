"""Small pictures for tests: grey scenes with people that the ``fake`` profile sees, one flat saturated colour
each; and what passes for a photograph.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

RGB = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "magenta": (255, 0, 255),
    "cyan": (0, 255, 255),
}


def scene(*people: str, height: int = 96, person_height: int = 60, seed: int = 0) -> np.ndarray:
    """A grey, slightly noisy scene with one standing block a named colour, left to right."""
    width = 40 + 40 * len(people)
    noise = np.random.default_rng(seed).integers(100, 140, (height, width, 1), dtype=np.uint8)
    image = np.repeat(noise, 3, axis=2)
    for i, name in enumerate(people):
        image[height - person_height - 5 : height - 5, 30 + 40 * i : 30 + 40 * i + 20] = RGB[name]
    return image


def photograph(seed: int = 0, height: int = 240, width: int = 320) -> np.ndarray:
    """A picture with the spectrum of photographs: amplitude falls with frequency (Field 1987); with a few
    edges.
    """
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    texture = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) / frequency, (height, width))
    grey = 120 + 35 * texture / texture.std()
    for _ in range(12):
        y, x, h, w = rng.integers([height, width, 60, 80])
        grey[y : y + h + 8, x : x + w + 8] += rng.normal(0, 40)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def save(path: Path, image: np.ndarray) -> Path:
    """Write a picture losslessly (or as its suffix says)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def archive(folder: Path, people: Sequence[Sequence[str]]) -> Path:
    """A folder with one PNG for each group of people, all different."""
    for number, group in enumerate(people):
        save(folder / f"{number:04d}.png", scene(*group, seed=number))
    return folder
