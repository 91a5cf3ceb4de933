import pytest

from par_core.plurals import number_of


@pytest.mark.parametrize(
    ("number", "noun", "spec", "shown"),
    [
        (0, "file", "", "0 files"),
        (1, "file", "", "1 file"),
        (1, "person", "", "1 person"),
        (1_234, "person", ",", "1,234 people"),
        (2, "second cut", "", "2 second cuts"),
        (3, "box", "", "3 boxes"),
    ],
)
def test_a_number_stands_with_its_noun(number: int, noun: str, spec: str, shown: str) -> None:
    assert number_of(number, noun, spec) == shown
