"""Captions say what they claim, and what they claim can be computed."""

import re
from pathlib import Path

import numpy as np

from par_core.attributes.vocabulary import BY_NAME
from par_core.datasets.merged_labels import NAMES, LabelledPerson
from par_core.training.captions import Caption, Fact, compose, sample_captions, truth


def person(colours: dict[str, str] | None = None, **labels: float) -> LabelledPerson:
    values = tuple(float(labels.get(name, "nan")) for name in NAMES)
    return LabelledPerson(
        "test", Path("none.jpg"), None, values, (1.0,) * len(NAMES), tuple((colours or {}).items())
    )


def test_a_caption_is_true_false_or_unknown() -> None:
    people = [
        person({"dress": "red"}, dress=1, hat=0),
        person({"dress": "blue"}, dress=1, hat=1),
        person(dress=0),
        person(),
    ]
    captions = [
        Caption("dress", (Fact("dress"),)),
        Caption("red dress", (Fact("dress", colour="red"),)),
        Caption("dress and hat", (Fact("dress"), Fact("hat"))),
        Caption("no hat", (Fact("hat", holds=False),)),
        Caption("neutral", ()),
    ]
    nan = float("nan")
    wanted = np.array([[1, 1, 0, nan], [1, 0, 0, nan], [0, 1, 0, nan], [1, 0, nan, nan], [0.5] * 4])
    assert np.array_equal(truth(captions, people), wanted, equal_nan=True)


def test_what_is_said_holds_the_words_of_every_fact() -> None:
    rng = np.random.default_rng(0)
    facts = [Fact("coat_or_jacket", colour="red"), Fact("hat"), Fact("female", holds=False)]
    for _ in range(50):
        text = compose(facts, rng).text
        assert any(word in text for word in ("red", "crimson"))
        assert any(noun in text for noun in BY_NAME["coat_or_jacket"].nouns)
        assert any(noun in text for noun in BY_NAME["hat"].nouns)


def test_most_captions_are_true_of_a_person_and_some_are_near_misses() -> None:
    people = [
        person({"skirt": "black"}, skirt=1, hat=0, female=1),
        person({"coat_or_jacket": "grey"}, coat_or_jacket=1, bag=1, hat=1, female=0),
    ]
    captions = sample_captions(people, 96, np.random.default_rng(1))
    known = truth(captions, people)
    assert len(captions) == 96
    assert 0.4 < np.mean([(row == 1).any() for row in known]) < 1
    assert any((row == 0.5).all() for row in known)


def test_a_caption_of_bare_things_has_no_verbs_and_many_speak_of_two_colours() -> None:
    people = [person({"dress": "white", "bag": "black", "hat": "red"}, dress=1, bag=1, hat=1)]
    captions = sample_captions(people, 600, np.random.default_rng(2))
    two = [caption for caption in captions if sum(fact.colour is not None for fact in caption.facts) == 2]
    assert len(two) > 60
    bare = [
        caption.text
        for caption in two
        if not re.search(r"\b(wearing|in|with|carrying|holding)\b", caption.text)
    ]
    assert len(bare) > 6
    assert not any(re.search(r"\b(person|woman|man|someone|photo)\b", text) for text in bare)


def test_the_same_seed_gives_the_same_captions() -> None:
    people = [person(hat=1, bag=1, female=1)]
    assert sample_captions(people, 40, np.random.default_rng(5)) == sample_captions(
        people, 40, np.random.default_rng(5)
    )
