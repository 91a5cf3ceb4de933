"""How large an index is made, and how much of it is read."""

from hypothesis import given
from hypothesis import strategies as st

from par_core.store.vector_index import POLICY, IndexPolicy, IndexState


def test_a_small_table_has_no_index() -> None:
    assert POLICY.partitions(POLICY.vectors_from - 1) is None
    assert POLICY.partitions(200_000) == 200


def test_a_row_of_a_large_table_is_compared_with_few_more_centres() -> None:
    assert [POLICY.partitions(rows) for rows in (500_000, 2_000_000, 4_000_000, 100_000_000)] == [
        353,
        707,
        1_000,
        5_000,
    ]


@given(st.integers(30_000, 10_000_000), st.floats(0, 1), st.integers(1, 10_000))
def test_what_is_read_holds_enough_rows_that_a_filter_leaves(rows: int, share: float, top: int) -> None:
    partitions, allowed = POLICY.partitions(rows), int(rows * share)
    assert partitions is not None
    reading = POLICY.reading(rows, allowed, partitions, top)
    if reading is None:
        assert allowed <= max(POLICY.exact_up_to, POLICY.near_rows * top)
        return
    assert reading.partitions * allowed / partitions >= min(POLICY.near_rows * top, allowed)
    assert min(POLICY.partitions_read, partitions) <= reading.partitions <= partitions
    assert reading.candidates_a_hit * top >= top + POLICY.spare


def test_an_index_of_half_or_double_the_size_or_of_another_version_of_par_is_rebuilt() -> None:
    state = IndexState("IvfSq", 100, 100_000, 0)
    assert [POLICY.outdated(state, rows) for rows in (60_000, 100_000, 190_000, 50_000, 200_000)] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert POLICY.outdated(IndexState("IvfHnswSq", None, 100_000, 0), 100_000)


def test_the_name_of_an_index_tells_its_partitions() -> None:
    assert IndexPolicy.partitions_of(IndexPolicy.name(316)) == 316
    assert IndexPolicy.partitions_of("vector_idx") is None
