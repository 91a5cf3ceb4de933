from par_core.serve.facets import Facets
from par_core.serve.page_filters import filters_of
from par_core.serve.page_query import PageQuery
from par_core.serve.page_view import split_message

FACETS = Facets(
    9,
    {"red": 5, "blue": 4},
    {},
    {"hat": 3},
    {"file:///a,b/gate%203": 6, "s3://pool/x": 3},
    {"2026-11-01": 8, "2026-11-03": 1},
)


def urls(query: PageQuery, name: str) -> dict[str, str]:
    return {choice.name: choice.url for choice in getattr(filters_of(query, FACETS), name)}


def test_a_chosen_value_is_marked_even_if_no_person_has_it() -> None:
    filters = filters_of(PageQuery("upper:pink,red hat:yes"), FACETS)
    assert [(choice.name, choice.count, choice.chosen) for choice in filters.upper] == [
        ("red", 5, True),
        ("blue", 4, False),
        ("pink", 0, True),
    ]
    assert [choice.chosen for choice in filters.attributes] == [True]


def test_a_filter_keeps_all_else_that_was_asked() -> None:
    query = PageQuery("man upper:red", "height_px > 9", absent=True)
    assert urls(query, "attributes") == {
        "hat": "/?q=man+upper%3Ared+hat%3Ayes&where=height_px+%3E+9&absent=true"
    }
    assert urls(query, "upper")["red"] == "/?q=man&where=height_px+%3E+9&absent=true"


def test_a_folder_is_asked_for_as_its_addresses_are_written() -> None:
    (first, _) = filters_of(PageQuery('man source:"file:///a,b/gate%203"'), FACETS).folders
    assert (first.name, first.title, first.chosen, first.url) == (
        "a,b/gate 3",
        "file:///a,b/gate 3",
        True,
        "/?q=man",
    )


def test_days_have_bars_by_their_share_and_the_range_that_is_asked_for() -> None:
    filters = filters_of(PageQuery("since:2026-11-02T10:00 until:2026-11-03"), FACETS)
    assert filters.days == ("2026-11-01", "2026-11-03")
    assert (filters.since[:10], filters.until) == ("2026-11-02", "2026-11-03")
    assert [(label, x, height) for label, x, height, _ in filters.bars] == [
        ("2026-11-01: 8", 0, 36),
        ("2026-11-03: 1", 5, 4),
    ]
    assert filters.bars[1][3] == "/?q=on%3A2026-11-03"


def test_a_message_that_shows_a_place_is_parted_from_what_it_says() -> None:
    assert split_message("wrong:\n  a b\n    ^") == ("wrong:", "  a b\n    ^")
    assert split_message("wrong") == ("wrong", "")
