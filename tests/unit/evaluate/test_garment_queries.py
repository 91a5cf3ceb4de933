"""Queries for two coloured garments, with an encoder whose vectors the test knows."""

from pathlib import Path

import numpy as np
import pytest

from par_core.datasets.merged_labels import NAMES, LabelledPerson
from par_core.evaluate.garment_queries import score_pairs
from par_core.models.named_evidence import KnownPeople
from par_core.models.text_evidence import TextScorer, TextWeights


class Encoder:
    """Looks for black bags: every sentence with both words is the first axis."""

    embedding_fingerprint = "test"
    logit_scale = 1.0

    def encode(self, sentences: list[str]) -> np.ndarray:
        return np.array(
            [
                [1.0, 0.0] if "black bag" in sentence and "white dress" in sentence else [0.0, 1.0]
                for sentence in sentences
            ],
            np.float32,
        )

    def parts(self, sentence: str) -> tuple[str, ...]:
        return (sentence,)

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        return ()


SCORER = TextScorer(Encoder(), TextWeights.shipped())


def person(number: int, *colours: tuple[str, str]) -> LabelledPerson:
    return LabelledPerson(
        "test", Path(f"{number}.jpg"), None, (1.0,) * len(NAMES), (1.0,) * len(NAMES), colours
    )


def known(vectors: list[list[float]]) -> KnownPeople:
    """People with a known embedding and nothing else."""
    nothing: list[str | None] = [None] * len(vectors)
    return KnownPeople(np.array(vectors, np.float32), {}, {"upper": nothing, "lower": nothing})


def test_recall_is_counted_among_the_first_ten_and_compared_with_chance() -> None:
    wanted, other = (("dress", "white"), ("bag", "black")), (("dress", "black"), ("bag", "white"))
    people = [person(i, *(wanted if i < 4 else other)) for i in range(40)]
    scores = score_pairs(people, known([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 37), SCORER)  # the fourth is missed
    pair_scores = scores["pairs"]["a black bag and a white dress"]
    assert pair_scores["fitting"] == 4
    assert pair_scores["n"] == 40
    # with ties in the order given, the fourth is among ten
    assert pair_scores["recall_at_10"] == pytest.approx(1.0)
    assert pair_scores["over_chance"] == pytest.approx(4.0)
    assert set(scores["pairs"]) == {"a black bag and a white dress", "a white bag and a black dress"}


def test_colours_of_pixels_help_to_find_a_coloured_garment() -> None:
    wanted, other = (("dress", "white"), ("bag", "black")), (("dress", "black"), ("bag", "white"))
    people = [person(i, *(wanted if i >= 36 else other)) for i in range(40)]
    terms = ["white" if i >= 36 else "black" for i in range(40)]
    people_known = KnownPeople(np.full((40, 2), 2**-0.5, np.float32), {}, {"upper": terms, "lower": terms})
    pair_scores = score_pairs(people, people_known, SCORER)["pairs"]["a black bag and a white dress"]
    assert pair_scores["recall_at_10"] == 1.0


def test_nothing_to_ask_is_no_number() -> None:
    assert np.isnan(score_pairs([person(0)], known([[1.0, 0.0]]), SCORER)["pairs_recall_at_10_over_chance"])
