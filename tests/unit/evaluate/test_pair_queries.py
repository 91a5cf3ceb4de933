"""Queries for two coloured garments, with an encoder whose vectors the test knows."""

from pathlib import Path

import numpy as np
import pytest

from par_core.evaluate.datasets.labels import NAMES, LabelledPerson
from par_core.evaluate.pair_queries import score_pairs


class Encoder:
    """Looks for black bags: every sentence with both words is the first axis."""

    embedding_fingerprint = "test"
    logit_scale = 1.0

    def encode(self, sentences: list[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if "black bag" in sentence and "white dress" in sentence else [0.0, 1.0] for sentence in sentences], np.float32)

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        return ()


def person(number: int, *colours: tuple[str, str]) -> LabelledPerson:
    return LabelledPerson("test", Path(f"{number}.jpg"), None, (1.0,) * len(NAMES), (1.0,) * len(NAMES), colours)


def test_recall_is_counted_among_the_first_ten_and_compared_with_chance() -> None:
    wanted, other = (("dress", "white"), ("bag", "black")), (("dress", "black"), ("bag", "white"))
    people = [person(i, *(wanted if i < 4 else other)) for i in range(40)] + [person(40)]
    found = np.array([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 38, np.float32)  # the fourth is missed
    told = score_pairs(people, found, Encoder())
    asked = told["pairs"]["a black bag and a white dress"]
    assert asked["fitting"] == 4
    assert asked["n"] == 40  # the one without known colours is left out
    assert asked["recall_at_10"] == pytest.approx(1.0)  # with ties in the order given, the fourth is among ten
    assert asked["over_chance"] == pytest.approx(4.0)
    assert set(told["pairs"]) == {"a black bag and a white dress", "a white bag and a black dress"}


def test_nothing_to_ask_is_no_number() -> None:
    assert np.isnan(score_pairs([person(0)], np.ones((1, 2), np.float32), Encoder())["pairs_recall_at_10_over_chance"])
