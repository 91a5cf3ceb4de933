"""What sentences that people wrote are understood to say."""

from pathlib import Path

import pytest

from par_core.training.captions import Fact
from par_core.training.sentences import read_sentences, understood


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        (
            "A woman in a red jacket stands on the beach .",
            (Fact("female"), Fact("coat_or_jacket", colour="red")),
        ),
        (
            "A man wearing sunglasses and a gray hat .",
            (Fact("female", holds=False), Fact("glasses"), Fact("hat", colour="grey")),
        ),
        ("Someone in jeans climbs a rock .", (Fact("jeans"),)),
        (
            "A boy in a white dress shirt and black shorts",
            (Fact("female", holds=False), Fact("shorts", colour="black")),
        ),
    ],
)
def test_garments_colours_and_gender_of_one_person(sentence: str, facts: tuple[Fact, ...]) -> None:
    caption = understood(sentence)
    assert caption is not None
    assert caption.facts == facts


@pytest.mark.parametrize(
    "sentence",
    [
        "Two women in red dresses",
        "A man and a woman in coats",
        "A dog wearing a red scarf runs to a man",
        "A man stands on top of a mountain",
        "A girl without a hat",
        "A boy with no shoes",
        "A man in a blue shirt",  # shirt or t-shirt: the sentence does not say
    ],
)
def test_what_speaks_of_several_or_says_nothing_known_is_left_out(sentence: str) -> None:
    assert understood(sentence) is None


def test_without_the_file_there_are_none(tmp_path: Path) -> None:
    assert read_sentences(tmp_path) == []


@pytest.mark.data
def test_the_real_captions_give_hundreds(data_dir: Path) -> None:
    sentences = read_sentences(data_dir)
    assert len(sentences) > 1_000
    assert all(sentence.facts for sentence in sentences)
