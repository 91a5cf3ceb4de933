"""Tags and notes: what may be said, that nothing is lost, and that they follow the person."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.errors import BadConfigError, StoreError, TransientError
from par_core.query.from_store import Question, Searcher
from par_core.stages.commit import rebuild_index
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.tags import change as changing
from par_core.tags.change import TagChange, UnknownPersonError, change_tags
from par_core.tags.files import read_tags, write_tags
from par_core.tags.names import LONGEST_NOTE, LONGEST_TAG, note_text, tag_name
from par_core.tags.of_index import IndexTags, tags_of
from par_core.tags.record import MOST_TAGS, Note, Tag, TaggedPerson, together
from tests.forgetting import anywhere, erase
from tests.indexing import FAKE, index
from tests.pictures import archive, save, scene

GROUPS = [("red",), ("green", "blue"), ("red", "yellow")]


@pytest.fixture
def searcher(tmp_path: Path) -> Searcher:
    index(tmp_path / "store", [archive(tmp_path / "photos", GROUPS)])
    return Searcher(tmp_path / "store", FAKE)


@pytest.fixture
def ids(searcher: Searcher) -> list[str]:
    """The five people, by image and from left to right."""
    rows = searcher.index().search(None, top=9).sort_by([("uri", "ascending"), ("x1", "ascending")])
    return rows["person_id"].to_pylist()


def tag(searcher: Searcher, people: list[str], *add: str, by: str = "anna", **more: object) -> None:
    change = TagChange.of(add, **more)  # type: ignore[arg-type]
    change_tags(searcher.store, searcher.index, people, change, by)


def tags(searcher: Searcher) -> IndexTags:
    return tags_of(searcher.index())


def found(searcher: Searcher, text: str | None = None, where: str | None = None) -> set[str]:
    result = searcher.ask(Question(text, where=where, top=50, apart=True))
    return {hit.person_id for hit in result.hits}


@given(st.text())
def test_a_tag_is_refused_or_has_one_spelling_that_filters_read(text: str) -> None:
    try:
        name = tag_name(text)
    except BadConfigError:
        return
    assert tag_name(name) == name
    assert 0 < len(name) <= LONGEST_TAG
    assert not set(name) & set("\"'<>&,;:()=\n\t")


@given(st.text())
def test_a_note_is_refused_or_has_one_spelling(text: str) -> None:
    try:
        note = note_text(text)
    except BadConfigError:
        return
    assert note_text(note) == note
    assert json.loads(json.dumps(note)) == note
    assert len(note.encode()) <= 4 * LONGEST_NOTE


@pytest.mark.parametrize(
    "text", ["", " ", "a" * 41, "<b>", "a,b", "-a", "a'b", "a\u202eb", "a\0b", "=1+1", "\ud800"]
)
def test_these_are_no_tags(text: str) -> None:
    with pytest.raises(BadConfigError, match="a tag has"):
        tag_name(text)


@pytest.mark.parametrize("text", ["x" * (LONGEST_NOTE + 1), "a\0b", "a\u202eb", "\x1b[2J", "\ud800"])
def test_these_are_no_notes(text: str) -> None:
    with pytest.raises(BadConfigError, match="a note"):
        note_text(text)


def test_tags_are_added_removed_and_say_by_whom(searcher: Searcher, ids: list[str]) -> None:
    tag(searcher, ids[:2], "Check", "gate 3")
    tag(searcher, ids[1:3], "check", by="ben", note="seen twice\nat the gate")
    known = tags(searcher).people
    assert [(one.name, one.by) for one in known[ids[1]].tags] == [("check", "anna"), ("gate 3", "anna")]
    assert [(one.name, one.by) for one in known[ids[2]].tags] == [("check", "ben")]
    note = known[ids[1]].note
    assert note is not None
    assert (note.text, note.by) == ("seen twice\nat the gate", "ben")
    assert tags(searcher).counts() == {"check": 3, "gate 3": 2}
    change_tags(searcher.store, searcher.index, ids[:3], TagChange.of((), ["check"], ""), "ben")
    assert tags(searcher).counts() == {"gate 3": 2}
    change_tags(searcher.store, searcher.index, ids[:3], TagChange.of((), ["gate 3"]), "ben")
    assert read_tags(searcher.store.root).people == ()
    assert list((searcher.store.root / "tags").glob("*.json")) == []


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        (None, "tag = 'check'", {0, 1}),
        (None, "tag = 'CHECK'", {0, 1}),
        ("tag:check", None, {0, 1}),
        ("tag:check,late", None, {0, 1, 2}),
        ('tag:"gate 3"', None, {1}),
        ("NOT tag:check", None, {2, 3, 4}),
        (None, "tag != 'check'", {2, 3, 4}),
        (None, "tag in ('check', 'late') and upper_color = 'red'", {0}),
        (None, "tag like 'gate%'", {1}),
        (None, "tag", {0, 1, 2}),
        (None, "tag is null", {3, 4}),
        (None, "not (tag is null)", {0, 1, 2}),
        (None, "note like '%ladder%'", {3}),
        (None, "note is not null", {3}),
        (None, "tag = 'nobody'", set()),
        ("upper:red tag:check", None, {0}),
    ],
)
@pytest.mark.parametrize("resident", [False, True])
def test_filters_know_tags(
    searcher: Searcher,
    ids: list[str],
    text: str | None,
    where: str | None,
    expected: set[int],
    resident: bool,
) -> None:
    tag(searcher, ids[:2], "check")
    tag(searcher, ids[1:2], "gate 3")
    tag(searcher, ids[2:3], "late")
    tag(searcher, ids[3:4], note="carries a ladder")
    asked = Searcher(searcher.store.root, FAKE, resident=resident)
    if resident:
        asked.warm()
        asked.wait_until_read()
    assert found(asked, text, where) == {ids[number] for number in expected}
    tag(searcher, ids, "check")  # what is kept of a filter in memory follows the tags
    assert found(asked, where="tag = 'check'") == set(ids)


def test_a_wrong_value_is_an_error_and_an_unknown_tag_a_hint(searcher: Searcher, ids: list[str]) -> None:
    tag(searcher, ids[:1], "check")
    for where in ("tag > 'a'", "tag = 5", "tag between 'a' and 'b'", "tag = '<b>'", "note < 2026-11-01"):
        with pytest.raises(BadConfigError, match=r"tag|note"):
            searcher.ask(Question(where=where))
    with pytest.raises(BadConfigError, match="a tag has"):
        searcher.ask(Question("tag:a;b"))
    (hint,) = searcher.ask(Question("tag:chek")).warnings
    assert hint == "nobody has the tag 'chek'; did you mean 'check'?"


def test_limits_are_kept_and_nothing_is_written_beyond_them(
    searcher: Searcher, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tag(searcher, ids[1:2], *(f"t{number}" for number in range(MOST_TAGS)))
    with pytest.raises(BadConfigError, match="20 are allowed"):
        tag(searcher, ids, "one more")
    assert "one more" not in tags(searcher).counts()
    with pytest.raises(BadConfigError, match="1,000 are changed at once"):
        tag(searcher, [f"{number:032x}" for number in range(1_001)], "check")
    monkeypatch.setattr(changing, "MOST_PEOPLE", 2)
    tag(searcher, ids[:1], "check")
    with pytest.raises(BadConfigError, match="3 people would have tags"):
        tag(searcher, ids[2:3], "check")
    monkeypatch.setattr(changing, "_MOST_NAMES", 21)
    with pytest.raises(BadConfigError, match="different tags"):
        tag(searcher, ids[:1], "another")
    with pytest.raises(UnknownPersonError, match="nobody in the index"):
        tag(searcher, ["0" * 32], "check")
    with pytest.raises(UnknownPersonError, match="nobody in the index"):
        tag(searcher, ["' OR 1=1 --"], "check")
    with pytest.raises(BadConfigError, match="nothing to change"):
        TagChange.of()
    with pytest.raises(BadConfigError, match="added and removed"):
        TagChange.of(["A"], ["a"])


def test_writers_lose_nothing(searcher: Searcher, ids: list[str]) -> None:
    wrong = []

    def work(number: int) -> None:
        try:
            for turn in range(4):
                tag(searcher, ids, f"w{number}-{turn}")
        except Exception as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    script = (
        "import sys; from pathlib import Path; from par_core.tags.change import *;"
        " from par_core.query.from_store import Searcher; from par_core.config import load_config;"
        " s = Searcher(Path(sys.argv[1]), load_config(profile='fake'));"
        " change_tags(s.store, s.index, sys.argv[2:], TagChange.of(['other']), 'other')"
    )
    command = [sys.executable, "-c", script, str(searcher.store.root), *ids]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])})
    for thread in threads:
        thread.join()
    assert wrong == []
    expected = {"other", *(f"w{number}-{turn}" for number in range(4) for turn in range(4))}
    assert {frozenset(person.names) for person in tags(searcher).people.values()} == {frozenset(expected)}


def test_tags_outlast_index_rebuild_and_another_run(searcher: Searcher, ids: list[str]) -> None:
    tag(searcher, ids[:2], "check", note="a ladder")
    photos = searcher.store.root.parent / "photos"
    save(photos / "new.png", scene("red", seed=77))
    index(searcher.store.root, [photos])
    rebuild_index(searcher.store)
    again = Searcher(searcher.store.root, FAKE)
    assert found(again, "tag:check") == set(ids[:2])


def test_tags_follow_the_person_to_the_id_of_another_segmentation(searcher: Searcher, ids: list[str]) -> None:
    tag(searcher, ids[:1], "check", note="new")
    (person,) = read_tags(searcher.store.root).people
    x1, y1, x2, y2 = person.box
    earlier = TaggedPerson(
        "e" * 32,
        person.image_id,
        "before",
        (x1 + 1, y1, x2, y2),
        (Tag("late", "ben", "2026"),),
        Note("old", "ben", "2026"),
    )
    far = TaggedPerson(
        "f" * 32, person.image_id, "before", (0.0, 0.0, 3.0, 3.0), (Tag("far", "ben", "2026"),)
    )
    write_tags(searcher.store.root, {person.image_id: [person, earlier, far]})
    now = tags(searcher)
    assert now.people[ids[0]].names == ("check", "late")
    assert [stray.names for stray in now.stray] == [("far",)]
    assert found(searcher, "tag:late") == {ids[0]}
    assert found(searcher, "tag:far") == set()
    change_tags(searcher.store, searcher.index, ids[:1], TagChange.of((), ["late"]), "anna")
    assert {one.person_id: one.names for one in read_tags(searcher.store.root).people} == {
        ids[0]: ("check",),
        "f" * 32: ("far",),
    }
    note = tags(searcher).people[ids[0]].note
    assert note is not None
    assert note.text == "new\nold"
    with pytest.raises(UnknownPersonError, match="only be removed"):
        tag(searcher, ["f" * 32], "more")
    change_tags(searcher.store, searcher.index, ["f" * 32], TagChange.of((), ["far"]), "anna")
    assert tags(searcher).stray == ()


def test_forgetting_erases_tags_and_names_in_notes(searcher: Searcher, ids: list[str]) -> None:
    tag(searcher, ids[:2], "check", note="a ladder")
    tag(searcher, ids[2:3], "late", note=f"the same as {ids[0]}?")
    (person,) = (one for one in read_tags(searcher.store.root).people if one.person_id == ids[0])
    earlier = TaggedPerson("e" * 32, person.image_id, "before", person.box, person.tags)
    write_tags(searcher.store.root, {person.image_id: [person, earlier]})
    report = erase(searcher.store.root, person=ids[0])
    assert report.exit_code == 0
    assert {one.person_id for one in read_tags(searcher.store.root).people} == {ids[1], ids[2]}
    note = tags(Searcher(searcher.store.root, FAKE)).people[ids[2]].note
    assert note is not None
    assert note.text == "the same as forgotten?"
    assert anywhere(searcher.store.root, ids[0]) == []
    assert anywhere(searcher.store.root, "e" * 32) == []
    image = tags(Searcher(searcher.store.root, FAKE)).people[ids[1]].image_id
    assert erase(searcher.store.root, image=image).exit_code == 0
    assert {one.person_id for one in read_tags(searcher.store.root).people} == set()  # both stand in it


def test_nothing_is_tagged_while_somebody_is_erased(searcher: Searcher, ids: list[str]) -> None:
    searcher.store.forgetting_path.write_text("{}")
    with pytest.raises(TransientError, match="being erased"):
        tag(searcher, ids, "check")
    assert read_tags(searcher.store.root).people == ()


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"format": 2, "people": []}', '{"format": 1, "people": [{}]}']
)
def test_a_damaged_file_is_named_and_never_overwritten(
    searcher: Searcher, ids: list[str], content: str
) -> None:
    tag(searcher, ids, "check")
    (path, *_) = sorted((searcher.store.root / "tags").glob("*.json"))
    path.write_text(content)
    calls: list[Callable[[], object]] = [
        lambda: found(searcher, "tag:check"),
        lambda: tag(searcher, ids, "more"),
    ]
    for call in calls:
        with pytest.raises(StoreError, match=str(path)):
            call()
    assert path.read_text() == content


tags_of_somebody = st.lists(
    st.builds(Tag, st.sampled_from("abc"), st.just("anna"), st.sampled_from("123")),
    unique_by=lambda tag: tag.name,
    max_size=3,
).map(lambda tags: sorted(tags, key=lambda tag: tag.name))


@given(
    st.lists(
        st.tuples(
            tags_of_somebody,
            st.none() | st.builds(Note, st.sampled_from("xy"), st.just("b"), st.sampled_from("123")),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_records_of_one_person_lose_nothing_when_they_are_put_together(
    records: list[tuple[list[Tag], Note | None]],
) -> None:
    people = [
        TaggedPerson(str(n), "i", "s", (0.0, 0.0, 1.0, 1.0), tuple(tags), note)
        for n, (tags, note) in enumerate(records)
    ]
    one = together(people)
    assert set(one.names) == {tag.name for tags, _ in records for tag in tags}
    assert list(one.names) == sorted(one.names)
    for tag in one.tags:
        assert tag.at == min(other.at for tags, _ in records for other in tags if other.name == tag.name)
    texts = {note.text for _, note in records if note is not None}
    assert (set(one.note.text.split("\n")) if one.note else set()) == texts


def test_only_the_index_that_was_opened_is_asked(searcher: Searcher, ids: list[str]) -> None:
    tag(searcher, ids[:1], "check")
    newest = PeopleIndex.open(Store.open(searcher.store.root).index_path)
    assert newest is not None
    assert set(tags_of(newest).people) == {ids[0]}
