from dataclasses import replace

from par_core.serve.facets import Facets
from par_core.serve.page_filters import filters_of, widened_by
from par_core.serve.page_query import PageQuery
from par_core.serve.page_timeline import timeline_view
from par_core.serve.page_view import split_message
from par_core.serve.timeline import Bar, Timeline

FACETS = Facets(
    9,
    {"red": 5, "blue": 4},
    {},
    {"hat": 3},
    {"file:///a,b/gate%203": 6, "s3://pool/x": 3},
    {"2026-11-01": 8, "2026-11-03": 1},
    Timeline("day", (Bar("2026-11-01", 8), Bar("2026-11-02", 0), Bar("2026-11-03", 1)), 4),
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


def test_other_tags_are_counted_as_if_none_were_chosen() -> None:
    query = PageQuery('hat "a coat" tag:"gate 3"')
    assert widened_by(query) == {"tag": PageQuery('hat "a coat"')}
    narrow, wide = (replace(FACETS, tags=tags) for tags in ({"gate 3": 2}, {"late": 4, "gate 3": 2}))
    tags = filters_of(query, narrow, {"tag": wide}).tags
    assert [(tag.name, tag.count, tag.chosen) for tag in tags] == [("gate 3", 2, True), ("late", 4, False)]
    assert [tag.url for tag in tags] == ["/?q=hat+%22a+coat%22", "/?q=hat+%22a+coat%22+tag%3Alate"]
    many = filters_of(PageQuery(), replace(FACETS, tags={f"t{number}": 1 for number in range(41)}))
    assert (len(many.tags), many.more_tags) == (40, True)


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


def test_the_range_that_is_asked_for_stands_in_the_form() -> None:
    def asked(q: str) -> tuple[str, str]:
        filters = filters_of(PageQuery(q), FACETS)
        return filters.since[:10], filters.until

    assert filters_of(PageQuery(), FACETS).days == ("2026-11-01", "2026-11-03")
    assert asked("since:2026-11-02T10:00 until:2026-11-03") == ("2026-11-02", "2026-11-03")
    assert asked("on:2026-11-02T10") == ("2026-11-02", "2026-11-02")
    assert asked("on:2026-02") == ("2026-02-01", "2026-02-28")
    assert asked("on:2026") == ("2026-01-01", "2026-12-31")
    assert asked("on:2026-99") == ("2026-99-01", "2026-99-31")


def test_the_timeline_has_bars_by_their_share_and_each_leads_into_its_step() -> None:
    view = timeline_view(PageQuery("man since:2026-11-01", "hat", sort="newest"), FACETS)
    assert [bar[:3] for bar in view.bars] == [
        ("2026-11-01: 8 people", 0, 48),
        ("2026-11-03: 1 person", 48, 6),
    ]
    assert view.bars[1][3] == "/?q=man+on%3A2026-11-03&where=hat&sort=newest"
    assert view.whole_url == "/?q=man&where=hat&sort=newest"
    assert (view.first, view.last, view.width, view.unknown) == ("2026-11-01", "2026-11-03", 72, 4)
    assert timeline_view(PageQuery("man"), FACETS).whole_url == ""


def test_other_values_of_a_field_are_counted_without_it() -> None:
    query = PageQuery("man upper:red on:2026-11-01", sort="newest")
    wider = widened_by(query)
    assert {name: other.q for name, other in wider.items()} == {
        "upper": "man on:2026-11-01",
        "time": "man upper:red",
    }
    without_red = replace(FACETS, upper_color={"green": 7})
    filters = filters_of(query, FACETS, {"upper": without_red})
    assert [(choice.name, choice.count) for choice in filters.upper] == [("red", 0), ("green", 7)]
    assert filters.attributes[0].count == 3


def test_a_message_that_shows_a_place_is_parted_from_what_it_says() -> None:
    assert split_message("wrong:\n  a b\n    ^") == ("wrong:", "  a b\n    ^")
    assert split_message("wrong") == ("wrong", "")
