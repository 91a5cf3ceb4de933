"""Texts longer than a text tower reads count to their last word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.config import load_config
from par_core.models import profiles
from par_core.models.base import TextEncoder
from par_core.models.long_texts import encode_in_parts, parts_of
from par_core.models.prompting import parts_read

LONG = " ".join(f"a woman in a red coat with a bag and a hat and boots, number {n}," for n in range(6))


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return profiles.load_text_encoder(load_config(profile="compact"))


@given(st.text(max_size=200), st.integers(1, 40))
def test_parts_hold_every_word_and_fit(text: str, longest: int) -> None:
    parts = parts_of(text, lambda part: len(part) <= longest)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(part) <= longest for part in parts)


def test_what_follows_the_last_token_of_the_tower_counts(encoder: TextEncoder) -> None:
    tails = [f"{LONG} {tail}" for tail in ("and sunglasses", "and a green skirt")]
    first, second = encoder.encode(tails)
    assert float(first @ second) < 0.9999
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)


def test_a_text_that_fits_is_embedded_as_before_beside_a_long_one(encoder: TextEncoder) -> None:
    short = "a photo of a woman in a red coat."
    assert encoder.parts(short) == (short,)
    alone, beside = encoder.encode([short])[0], encoder.encode([LONG, short])[1]
    np.testing.assert_allclose(alone, beside, atol=1e-6)
    assert parts_read("a woman in a red coat", encoder) == 1
    assert parts_read(LONG, encoder) > 1


def test_thirty_tokens_are_read_at_once_and_thirty_one_are_not(encoder: TextEncoder) -> None:
    assert len(encoder.parts(" ".join(["red"] * 30))) == 1
    assert len(encoder.parts(" ".join(["red"] * 31))) == 2


def test_joined_parts_are_the_mean_direction() -> None:
    vectors = {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    joined = encode_in_parts(
        ["ab", "a"], tuple, lambda texts: np.array([vectors[text] for text in texts], np.float32)
    )
    np.testing.assert_allclose(joined, [[0.5**0.5, 0.5**0.5], [1, 0]], atol=1e-6)
