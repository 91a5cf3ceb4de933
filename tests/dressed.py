"""A small copy of Clothing Co-Parsing in its published format: drawn people, one a photograph."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

LABELS = (
    *("null", "bag", "belt", "blazer", "blouse", "boots", "cape", "cardigan", "coat", "dress", "glasses"),
    *("hair", "hat", "heels", "hoodie", "jacket", "jeans", "jumper", "leggings", "pants", "pumps", "purse"),
    *("romper", "sandals", "scarf", "shirt", "shorts", "skin", "skirt", "socks", "stockings", "sunglasses"),
    *("sweater", "sweatshirt", "t-shirt", "tights", "top", "wallet", "wedges"),
)
COLOURS = {
    "black": (30, 30, 32),
    "red": (200, 30, 40),
    "blue": (60, 110, 210),
    "green": (40, 140, 65),
    "white": (236, 236, 236),
    "grey": (130, 130, 132),
    "yellow": (245, 220, 60),
}
Outfit = tuple[str, str, str, str]  # upper garment and its colour, lower garment and its colour

#: Of the first four people.
OUTFITS: Sequence[Outfit] = (
    ("coat", "red", "pants", "black"),
    ("blouse", "green", "jeans", "blue"),
    ("sweater", "grey", "skirt", "red"),
    ("t-shirt", "white", "pants", "grey"),
)


def person(outfit: Outfit, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Picture (240 x 120) and map of a person with hat, hair, face and hands, in a grey street."""
    upper, upper_colour, lower, lower_colour = outfit
    picture = np.full((240, 120, 3), (150, 155, 160), np.uint8)
    labels = np.zeros((240, 120), np.uint8)
    parts = [
        ("hair", (50, 30, 25), np.s_[18:34, 46:74]),
        ("hat", COLOURS["black"], np.s_[10:22, 44:76]),
        ("skin", (225, 170, 140), np.s_[26:46, 50:70]),
        (upper, COLOURS[upper_colour], np.s_[46:124, 36:84]),
        ("skin", (225, 170, 140), np.s_[118:128, 30:40]),
        (lower, COLOURS[lower_colour], np.s_[124:226, 42:78]),
    ]
    for name, colour, place in parts:
        picture[place], labels[place] = colour, LABELS.index(name)
    noise = np.random.default_rng(seed).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8), labels


def small_ccp(root: Path, outfits: Sequence[Outfit] = OUTFITS) -> Path:
    """Write the data set; returns its folder, ``root/ccp``."""
    folder = root / "ccp"
    for name in ("photos", "annotations/pixel-level", "annotations/image-level"):
        (folder / name).mkdir(parents=True)
    cells = np.empty((1, len(LABELS)), object)
    cells[0] = [np.array([name]) for name in LABELS]
    scipy.io.savemat(folder / "label_list.mat", {"label_list": cells})
    for number, outfit in enumerate(outfits, start=1):
        picture, labels = person(outfit, number)
        Image.fromarray(picture).save(folder / "photos" / f"{number:04}.jpg", quality=95)
        scipy.io.savemat(folder / "annotations/pixel-level" / f"{number:04}.mat", {"groundtruth": labels})
    return folder
