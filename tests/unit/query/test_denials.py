"""Denials in plain words are negations, and nobody is ranked by what was denied."""

import pytest

from par_core.query.denials import denials_in, read_question
from par_core.query.language import AllOf, AnyOf, Condition, Negated, Node, Phrase, parse_query


def shape(node: Node) -> object:
    match node:
        case Phrase(text) | Condition(text):
            return text
        case Negated(inner):
            return {"not": shape(inner)}
        case AllOf(parts):
            return [shape(part) for part in parts]
        case AnyOf(parts):
            return tuple(shape(part) for part in parts)
    raise AssertionError(node)


NO_HAT = {"not": "hat"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("woman without a hat", ["woman", NO_HAT]),
        ("woman w/o hat", ["woman", NO_HAT]),
        ("a woman wearing no hat", ["a woman", NO_HAT]),
        ("a woman with no hat", ["a woman", NO_HAT]),
        ("a woman not wearing a hat", ["a woman", NO_HAT]),
        ("a woman who is not wearing a hat", ["a woman", NO_HAT]),
        ("a woman who isn’t wearing a hat", ["a woman", NO_HAT]),
        ("a woman who does not wear a hat", ["a woman", NO_HAT]),
        ("a woman who has no hat", ["a woman", NO_HAT]),
        ("a hatless woman", ["a woman", NO_HAT]),
        ("no hat", NO_HAT),
        ("NO HAT", {"not": "HAT"}),
        ("“no hat”", NO_HAT),
        ("nobody with a hat", NO_HAT),
        ("people without hats", {"not": "hats"}),
        ("everyone except men", {"not": "men"}),
        ("not a man", {"not": "man"}),
        ("not a man in a red coat", ["in a red coat", {"not": "man"}]),
        ("a man not in jeans", ["a man", {"not": "jeans"}]),
        ("without a hat, red coat", ["red coat", NO_HAT]),
        ("no hat, no bag", [NO_HAT, {"not": "bag"}]),
        ("a man without a hat or glasses in a red coat", ["a man in a red coat", NO_HAT, {"not": "glasses"}]),
        ("a man without a hat and a bag", ["a man", NO_HAT, {"not": "bag"}]),
        ("a man with no hat and a red coat", ["a man and a red coat", NO_HAT]),
        ("a man without a hat but with a bag", ["a man with a bag", NO_HAT]),
        ("without hat, glasses or bag", [NO_HAT, {"not": "glasses"}, {"not": "bag"}]),
        ("no hat, glasses, or a bag", [NO_HAT, {"not": "glasses"}, {"not": "bag"}]),
        ("a man without a hat, a bag and a coat", ["a man", NO_HAT, {"not": "bag"}, {"not": "coat"}]),
        ("neither hat, scarf nor bag", [NO_HAT, {"not": "scarf"}, {"not": "bag"}]),
        ("a woman with neither a hat nor glasses", ["a woman", NO_HAT, {"not": "glasses"}]),
        ("a man, no hat, red coat", ["a man, red coat", NO_HAT]),
        ("a woman who isnt wearing a hat", ["a woman", NO_HAT]),
        ("people who dont wear hats", {"not": "hats"}),
        ("people that haven't got a bag", {"not": "bag"}),
        ("a person who never wears a hat", NO_HAT),
        ("a person who no longer wears a hat", NO_HAT),
        ("a man who was not seen with a hat", ["a man", NO_HAT]),
        ("a man who can't be wearing a hat", ["a man", NO_HAT]),
        ("a man who lacks a hat", ["a man", NO_HAT]),
        ("woman w/out hat", ["woman", NO_HAT]),
        ("a woman without any sort of hat", ["a woman", NO_HAT]),
        ("a woman without her hat on", ["a woman", NO_HAT]),
        ("no hat please", NO_HAT),
        ("hat-less man", ["man", NO_HAT]),
        ("bareheaded man", ["man", NO_HAT]),
        ("non-male", {"not": "male"}),
        ("no-hat", NO_HAT),
        ("not-a-man", {"not": "man"}),
        ("everybody but men", {"not": "men"}),
        ("people other than men", {"not": "men"}),
        ("not from behind", {"not": "from behind"}),
        ("a man without a hat from behind", ["a man from behind", NO_HAT]),
        ("woman without hat in red coat", ["woman in red coat", NO_HAT]),
        ("a coat that is not red", ["a coat", {"not": "red coat"}]),
        ("a non-red coat", ["a coat", {"not": "red coat"}]),
        ("no red or blue coat", [{"not": "red coat"}, {"not": "blue coat"}]),
        ("without hat + glasses", [NO_HAT, {"not": "glasses"}]),
        ("'no hat'", NO_HAT),
        ('man without "a hat"', ["man", {"not": "a hat"}]),
        ("man without (hat OR bag)", ["man", {"not": ("hat", "bag")}]),
        ("not (hat)", NO_HAT),
        ("neither a hat nor a scarf", [NO_HAT, {"not": "scarf"}]),
        ("a man without a red coat", ["a man", {"not": "red coat"}]),
        ("man without a hat OR woman with no bag", (["man", NO_HAT], ["woman", {"not": "bag"}])),
        ("man NOT hat", ["man", NO_HAT]),
        ("man –hat", ["man", NO_HAT]),
    ],
)
def test_what_is_denied(text: str, meant: object) -> None:
    assert shape(read_question(text)) == meant


NO_BAG = {"not": "bag"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        # spelt otherwise
        ("woman wo hat", ["woman", NO_HAT]),
        ("wo a hat", NO_HAT),
        ("woman w/ bag w/o a hat", ["woman with bag", NO_HAT]),
        ("woman w / o hat", ["woman", NO_HAT]),
        ("woman w-o hat", ["woman", NO_HAT]),
        ("woman with out a hat", ["woman", NO_HAT]),
        ("woman witout hat", ["woman", NO_HAT]),
        ("woman wihtout hat", ["woman", NO_HAT]),
        ("without: hat", NO_HAT),
        ("hat: no, bag: yes", ["with bag", NO_HAT]),
        ("hat=0", NO_HAT),
        ("man !hat", ["man", NO_HAT]),
        ("man [no hat]", ["man", NO_HAT]),
        ("someone who's not a man", {"not": "man"}),
        ("a man who mustn't wear a hat", ["a man", NO_HAT]),
        # what is bare
        ("people with nothing on their heads", NO_HAT),
        ("a woman, nothing on her head", ["a woman", NO_HAT]),
        ("a man whose head is bare", ["a man", NO_HAT]),
        ("a man with uncovered head", ["a man", NO_HAT]),
        ("doesn't have anything on his head", NO_HAT),
        ("no hat on his head", NO_HAT),
        ("a man with nothing in his hands", ["a man", NO_BAG]),
        ("an empty-handed man", ["an man", NO_BAG]),
        ("nothing around her neck", {"not": "scarf"}),
        # one in the place of another
        ("instead of a hat a scarf", ["a scarf", NO_HAT]),
        ("instead of hats scarves", ["scarves", {"not": "hats"}]),
        ("instead of a hat she wears a scarf", ["she wears a scarf", NO_HAT]),
        ("a skirt as opposed to trousers", ["a skirt", {"not": "trousers"}]),
        ("a scarf in place of a hat", ["a scarf", NO_HAT]),
        ("no hat a red coat", ["a red coat", NO_HAT]),
        ("a man without hat in jeans and a coat", ["a man in jeans and a coat", NO_HAT]),
        # behind the thing
        ("a man, hat missing", ["a man", NO_HAT]),
        ("a man missing his hat", ["a man", NO_HAT]),
        ("a woman with her hat off", ["a woman", NO_HAT]),
        ("women who have taken their hats off", ["women", {"not": "hats"}]),
        ("bag not visible", NO_BAG),
        ("no red coat visible", {"not": "red coat"}),
        ("hats excluded", {"not": "hats"}),
        ("a hat free man", ["a man", NO_HAT]),
        ("a glassless woman", ["a woman", {"not": "glasses"}]),
        ("a non hat wearing man", ["a man", NO_HAT]),
        # how many
        ("zero bags", {"not": "bags"}),
        ("not a single hat", NO_HAT),
        ("no sign of a hat", NO_HAT),
        ("a woman in the absence of a hat", ["a woman", NO_HAT]),
        ("without both hat and bag", [NO_HAT, NO_BAG]),
        ("not both hat and bag", {"not": ["hat", "bag"]}),
        # what a question asks to leave out
        ("I don't want to see men", {"not": "men"}),
        ("do not show me hats", {"not": "hats"}),
        ("women, leave out hats", ["women", {"not": "hats"}]),
        ("women unless they wear hats", ["women", {"not": "hats"}]),
        ("a man who refuses to wear a hat", ["a man", NO_HAT]),
        ("not looking like a man", {"not": "man"}),
        # these people, and not all of them
        ("no men with hats", {"not": ["men", "hats"]}),
        ("anyone except women in red coats", {"not": ["women", "red coats"]}),
        ("no men with hats or bags, red coat", ["red coat", {"not": ["men", ("hats", "bags")]}]),
        ("no men without hats", {"not": ["men", {"not": "hats"}]}),
        ("excluding people with hats", {"not": "hats"}),
    ],
)
def test_other_ways_to_deny(text: str, meant: object) -> None:
    assert shape(read_question(text)) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("a man off duty", "an off-white coat", "a top off the shoulder", "a woman taking off her coat"),
        *("a man with a missing button", "man missing", "within a crowd", "hands free", "nothing special"),
        *("two women", "a man hiding a bag", "a woman with hat in hand", "hat on backwards"),
        *(
            "a knot of hair",
            "a notable man",
            "a no-logo shirt",
            "a non-smoker",
            "a noisy bag",
            "a man without",
        ),
        *("a backless dress", "grey slacks", "a shirt with a large font", "no doubt a man", "somebody"),
    ],
)
def test_what_denies_nothing_stays_as_it_is(text: str) -> None:
    assert read_question(text) == Phrase(text, quoted=False)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a man not without a hat", "a man with a hat"),
        ("nobody without a hat", "with a hat"),
        ("not only a hat but also a bag", "a hat and a bag"),
        ("no people without hats", "with hats"),
        ("isn't without a hat", "with a hat"),
        ("never hatless", "with hat"),
        ("nobody but men", "men"),
        ("no one other than women", "women"),
        ("nothing but a red coat", "a red coat"),
        ("everyone without exception with hats", "everyone with hats"),
        ("a man, not to mention his hat", "a man and his hat"),
    ],
)
def test_denials_that_cancel_each_other_are_none(text: str, meant: str) -> None:
    assert shape(read_question(text)) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a woman with a bag and NOT hat", '"a woman with a bag" AND NOT "hat"'),
        ("a man but NOT hat", '"a man" AND NOT "hat"'),
        ("and NOT hat", 'NOT "hat"'),
        ('"white dress" and "black bag"', '"white dress" AND "black bag"'),
        ("upper:red and lower:blue", "upper:red AND lower:blue"),
        ("a man and hat:yes", '"a man" AND hat:yes'),
        ("upper:red or upper:blue", "upper:red OR upper:blue"),
        ('"a hat" or "a scarf" and upper:red', '"a hat" OR ("a scarf" AND upper:red)'),
    ],
)
def test_small_words_between_parts_join_them_as_capitals_do(text: str, meant: str) -> None:
    assert shape(read_question(text)) == shape(parse_query(meant))


@pytest.mark.parametrize("text", ["black and white dress", "and and", "or", "a hat or a bag"])
def test_small_words_within_a_text_stay(text: str) -> None:
    assert read_question(text) == Phrase(text, quoted=False)


def test_what_was_read_can_be_told() -> None:
    denied = list(denials_in(read_question("a man without a hat or glasses NOT scarf")))
    assert [(part.said, shape(part.inner)) for part in denied] == [
        ("without a hat or glasses", "hat"),
        ("without a hat or glasses", "glasses"),
    ]
