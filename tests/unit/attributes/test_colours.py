import numpy as np
import pytest

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.colours import garment_colours, name_pixels
from par_core.people.masks import encode_mask

PLAIN = {
    "black": (15, 15, 18),
    "white": (250, 250, 248),
    "grey": (128, 128, 130),
    "red": (200, 25, 35),
    "orange": (240, 130, 30),
    "yellow": (245, 220, 60),
    "green": (45, 140, 60),
    "blue": (35, 65, 160),
    "purple": (115, 55, 150),
    "pink": (245, 150, 185),
    "brown": (105, 68, 45),
    "beige": (220, 195, 165),
}


@pytest.mark.parametrize("term", COLOUR_TERMS)
def test_plain_colours_have_their_names(term: str) -> None:
    (code,) = name_pixels(np.array([PLAIN[term]], np.uint8))
    assert COLOUR_TERMS[code] == term


# colours between the prototypes, dark and muted as clothes are, and what people call them
MUTED = {
    (3, 53, 0): "green",
    (55, 72, 64): "green",
    (75, 83, 40): "green",
    (1, 21, 62): "blue",
    (30, 36, 52): "blue",
    (55, 70, 86): "blue",
    (194, 0, 120): "pink",
    (97, 0, 35): "red",
    (50, 24, 46): "purple",
    (87, 75, 66): "brown",
    (120, 85, 70): "brown",
    (209, 178, 111): "beige",
    (20, 20, 20): "black",
    (33, 33, 36): "black",
    (96, 96, 96): "grey",
}


@pytest.mark.parametrize("pixel", MUTED)
def test_dark_and_muted_colours_are_named_as_people_name_them(pixel: tuple[int, int, int]) -> None:
    (code,) = name_pixels(np.array([pixel], np.uint8))
    assert COLOUR_TERMS[code] == MUTED[pixel]


def dressed(upper: str, lower: str, height: int = 200, width: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """A person in front of a green wall, and the mask; noise keeps it from being too easy."""
    image = np.full((height + 20, width + 20, 3), PLAIN["green"], np.int16)
    mask = np.zeros(image.shape[:2], bool)
    mask[10 : 10 + height, 20:60] = True
    image[mask] = PLAIN["beige"]
    image[10 + int(0.16 * height) : 10 + int(0.5 * height), 20:60] = PLAIN[upper]
    image[10 + int(0.5 * height) : 10 + int(0.92 * height), 20:60] = PLAIN[lower]
    image += np.random.default_rng(0).integers(-8, 9, image.shape, dtype=np.int16)
    return np.clip(image, 0, 255).astype(np.uint8), mask


@pytest.mark.parametrize(
    ("upper", "lower"),
    [("red", "black"), ("black", "red"), ("white", "blue"), ("yellow", "grey"), ("purple", "white")],
)
def test_upper_and_lower_garment_get_their_own_colours(upper: str, lower: str) -> None:
    image, mask = dressed(upper, lower)
    colours = garment_colours(image, np.array([20, 10, 60, 210], np.float32), encode_mask(mask))
    assert (colours.upper, colours.lower) == (upper, lower)
    assert colours.upper_share is not None
    assert colours.upper_share > 0.8


def test_someone_cut_at_the_waist_has_no_lower_garment() -> None:
    image, mask = dressed("red", "blue")
    colours = garment_colours(image[:70], np.array([20, 10, 60, 60], np.float32), encode_mask(mask[:70]))
    assert (colours.upper, colours.lower, colours.lower_share) == ("red", None, None)


def test_too_few_pixels_have_no_colour() -> None:
    mask = np.zeros((40, 20), bool)
    mask[10:12, 5:8] = True
    colours = garment_colours(
        np.zeros((40, 20, 3), np.uint8), np.array([0, 0, 20, 40], np.float32), encode_mask(mask)
    )
    assert (colours.upper, colours.upper_share, colours.lower, colours.lower_share) == (
        None,
        None,
        None,
        None,
    )
