"""The site for browser tests: an archive of small scenes, more people than one page of hits shows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from tests.pictures import RGB, save, scene

NASTY = "<img src=x onerror=document.title='taken'>.png"


@dataclass(frozen=True, slots=True)
class Site:
    address: str
    store: Path
    photos: Path


def photographs(folder: Path) -> Path:
    """Seventy people: one each in pictures of one size or another, three in one, one whose file name is an
    attack. Ten have a date, of three days.
    """
    colours = list(RGB)
    for number in range(66):
        save(folder / f"{number:03d}.png", shaded(colours[number % len(colours)], number))
    for number in range(10):
        taken(folder / f"{number:03d}.png", f"2026:11:{(number % 3) + 1:02d} 12:{number:02d}:00")
    save(folder / "three.png", scene("red", "green", "blue", seed=901))
    save(folder / NASTY, scene("yellow", seed=902))
    return folder


def shaded(colour: str, number: int) -> np.ndarray:
    return scene(colour, seed=number, height=90 + number, person_height=60 + number // 2)


def taken(path: Path, moment: str) -> None:
    with Image.open(path) as picture:
        exif = picture.getexif()
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = moment
        picture.save(path, exif=exif)
