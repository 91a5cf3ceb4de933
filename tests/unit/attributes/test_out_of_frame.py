import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.attributes.clothing_parts import FEET, LOWER, NEEDED_CLOSE
from par_core.attributes.out_of_frame import EDGE, LEAST_TALLNESS, out_of_frame
from par_core.attributes.vocabulary import ATTRIBUTES

NAMES = tuple(attribute.name for attribute in ATTRIBUTES)
sides = st.floats(1, 4000)


def hidden(height: float, area: float, *, gap: float = 0.0, names: tuple[str, ...] = NAMES) -> set[str]:
    """What is withheld of a person of a height and an area, so far above the lower edge."""
    boxes = np.array([[10, 20, 10 + max(area / height, 1), 20 + height]], np.float64)
    found = out_of_frame(boxes, np.array([area], float), np.array([20 + height + gap], float), names)
    assert found.shape == (1, len(names))
    return {name for name, is_hidden in zip(names, found[0], strict=True) if is_hidden}


def test_a_portrait_shows_no_legs_and_a_whole_person_everything() -> None:
    portrait, half, whole = hidden(100, 5500), hidden(100, 3200), hidden(100, 2000)
    assert {*FEET, *LOWER, "bag", "belt", "dress"} <= portrait
    assert "coat_or_jacket" not in portrait
    assert "coat_or_jacket" in hidden(100, 7000)
    assert half == set(FEET)
    assert whole == set()


def test_who_does_not_reach_the_lower_edge_is_answered_in_full() -> None:
    assert hidden(100, 8000, gap=100 * EDGE)
    assert hidden(100, 8000, gap=100 * EDGE + 1) == set()


def test_without_a_mask_nothing_is_withheld() -> None:
    assert hidden(100, 0) == set()
    nobody = out_of_frame(np.zeros((0, 4)), np.zeros(0), np.zeros(0), NAMES)
    assert nobody.shape == (0, len(NAMES))


def test_names_outside_the_vocabulary_are_never_touched() -> None:
    own = ("Boots", "hs-Hat", "footwearSandals", "lb-Shorts", "sneakers", "")
    assert hidden(100, 9000, names=own) == set()
    assert set(NEEDED_CLOSE) <= set(NAMES)
    assert set(NEEDED_CLOSE.values()) == set(LEAST_TALLNESS)


@given(sides, st.floats(0.05, 1), st.floats(0.05, 20))
def test_the_size_of_a_picture_changes_nothing(height: float, filled: float, scale: float) -> None:
    area = filled * height * height
    if any(abs(height**2 / area - least) < 1e-6 for least in LEAST_TALLNESS.values()):
        return  # at a bound, rounding decides
    assert hidden(height, area) == hidden(scale * height, scale * scale * area)


@given(sides, st.floats(0.01, 1), st.floats(1, 5))
def test_the_wider_a_person_the_less_can_show(height: float, filled: float, wider: float) -> None:
    area = filled * height * height
    assert hidden(height, area) <= hidden(height, wider * area)


@pytest.mark.parametrize("name", ["female", "front", "long_hair", "hat", "glasses", "scarf"])
def test_what_is_on_the_head_and_the_shoulders_is_always_answered(name: str) -> None:
    assert hidden(10, 5000, names=(name,)) == set()
