"""What texts name."""

import pytest

from par_core.attributes.spoken import chunks_of, named_attributes, named_colours


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("a white dress and a black bag", ("a white dress", "a black bag")),
        ("a woman in a red coat with a bag", ("a woman", "a red coat", "a bag")),
        ("a person wearing a hat", ()),
        ("someone in shorts, sandals and a hat", ("someone in shorts", "sandals", "a hat")),
        ("a red coat", ()),
        ("", ()),
    ],
)
def test_things_that_a_text_lists(text: str, chunks: tuple[str, ...]) -> None:
    assert chunks_of(text) == chunks


def test_attributes_by_their_nouns_and_opposites() -> None:
    named = {
        each.name: each.wanted
        for each in named_attributes("A man from behind with short hair, two bags and high heels")
    }
    assert named == {"female": False, "front": False, "long_hair": False, "bag": True, "heels": True}
    assert named_attributes("a woman's manner") == named_attributes("a woman")
    assert not named_attributes("a hatstand")


def test_colours_stand_before_a_garment() -> None:
    named = named_colours("a gray wool coat, blue jeans, a red dress and a black bag in a green field")
    assert [(each.places, each.colour) for each in named] == [
        (("upper",), "grey"),
        (("lower",), "blue"),
        (("upper", "lower"), "red"),
    ]


@pytest.mark.parametrize(
    ("spoken", "name"),
    [
        ("two ladies", "female"),
        ("spectacles", "glasses"),
        ("sun-glasses", "glasses"),
        ("a hand-bag", "bag"),
        ("tee-shirts", "top_or_tshirt"),
        ("long-haired", "long_hair"),
        ("short haired", "long_hair"),
        ("red scarves", "scarf"),
        ("summer dresses", "dress"),
        ("a t shirt", "top_or_tshirt"),
        ("a hoodie", "sweater"),
        ("a brown boot", "boots"),
        ("slacks", "trousers"),
    ],
)
def test_other_names_and_plurals(spoken: str, name: str) -> None:
    assert [attribute.name for attribute in named_attributes(spoken)] == [name]


def test_other_names_have_colours_too() -> None:
    assert [colour.places for colour in named_colours("a gray hoodie and red dresses")] == [
        ("upper",),
        ("upper", "lower"),
    ]
