from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.forget import byte_search
from par_core.forget.byte_search import ByteSearch


@pytest.fixture(params=["one by one", "all at once"], autouse=True, scope="module")
def _either_way(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_search, "_FEW", 16 if request.param == "one by one" else 0)
        yield


@given(
    data=st.binary(max_size=300),
    strings=st.lists(st.binary(min_size=8, max_size=20), max_size=6),
    few=st.booleans(),
    seed=st.integers(0, 9),
)
def test_finds_exactly_what_is_there(data: bytes, strings: list[bytes], few: bool, seed: int) -> None:
    if few:  # of few different bytes, so that strings overlap, repeat, and hold one another
        data, strings = bytes(b % 2 for b in data), [bytes(b % 2 for b in string) for string in strings]
    rng = np.random.default_rng(seed)
    for string in strings[::2]:
        at = int(rng.integers(len(data) + 1))
        data = data[:at] + string + data[at:]
    assert ByteSearch(strings).find(data) == {
        number for number, string in enumerate(strings) if string in data
    }


@pytest.mark.parametrize("offset", range(-12, 13))
def test_finds_what_lies_over_the_edge_of_two_parts(offset: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_search, "_CHUNK", 64)
    string = b"0123456789ab"
    data = bytearray(256)
    data[128 + offset : 128 + offset + len(string)] = string
    assert ByteSearch([b"not in it at all", string]).find(bytes(data)) == {1}


def test_nothing_to_look_for_and_nothing_to_look_in() -> None:
    assert ByteSearch([]).find(b"x" * 100) == set()
    assert ByteSearch([b"01234567"]).find(b"") == set()
    with pytest.raises(ValueError, match="too few"):
        ByteSearch([b"short"])
