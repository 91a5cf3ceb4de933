"""Ids follow from their parts alone, and stay what they were in the stores that have them."""

from hypothesis import given
from hypothesis import strategies as st

from par_core.ids import digest_of, digest_of_framed, framed, person_id

_PARTS = st.lists(st.text() | st.binary(), max_size=4)


def test_ids_are_those_of_stores_that_exist() -> None:
    assert digest_of("ab", "c", b"\xff") == "e78031e27b9e9543"
    assert person_id("i", [1.0, 2.0, 3.0, 4.005], "f") == "03a37f85561a00da7c0a908e5d1e3a55"


@given(_PARTS, _PARTS)
def test_a_join_of_joins_is_the_join_of_all_parts(
    first: list[str | bytes], second: list[str | bytes]
) -> None:
    assert digest_of_framed(framed(*first) + framed(*second)) == digest_of(*first, *second)
