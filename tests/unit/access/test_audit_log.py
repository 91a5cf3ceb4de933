import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.access import Access, AuditLog, Caller, Event, LogPage, Role
from par_core.errors import BadConfigError, FilterError, StoreError
from par_core.store.layout import Store
from tests.indexing import index
from tests.pictures import archive

ANNA = Caller("anna", Role.SEARCH)
HOSTILE = st.text(st.characters(), max_size=60) | st.sampled_from(
    [
        'x"}\n{"at": "2026-01-01T00:00:00+00:00", "who": "ben"}',
        "\r\n",
        "\u2028",
        "\x1b[2J",
        "\udcff",
        "\x00",
        "\x85",
        "\\n",
    ]
)


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access.open(Store.create(tmp_path / "store").root)


def lines(access: Access) -> list[bytes]:
    return b"".join(path.read_bytes() for path in sorted(access.log.folder.glob("*.jsonl"))).splitlines()


def event(at: datetime, what: str = "x") -> Event:
    return Event(at.isoformat(), "anna", "cli", "host", "search", what, 1, "ok")


@given(what=HOSTILE, who=HOSTILE, source=HOSTILE, action=HOSTILE)
def test_no_text_forges_a_line(
    tmp_path_factory: pytest.TempPathFactory, what: str, who: str, source: str, action: str
) -> None:
    log = AuditLog(tmp_path_factory.mktemp("log") / "audit", 365)
    log.append(Event(datetime.now(UTC).isoformat(), who, "api", source, action, what, 3, "ok"))
    (content,) = [path.read_bytes() for path in log.folder.glob("*.jsonl")]
    assert content.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in content[:-1])
    (read,) = log.read()
    assert (read.what, read.who, read.source, read.action) == (what, who, source, action)


@settings(max_examples=15)
@given(what=HOSTILE)
def test_what_is_printed_holds_no_control_characters(
    tmp_path_factory: pytest.TempPathFactory, what: str
) -> None:
    access = Access.open(Store.create(tmp_path_factory.mktemp("s") / "store").root)
    access.record(ANNA, "search", what, 1, source=what)
    printed = CliRunner().invoke(app, ["audit-log", "--store", str(access.log.folder.parents[1])]).stdout
    assert printed.count("\n") == 1
    assert all(32 <= ord(letter) < 127 or letter == "\t" for letter in printed[:-1])


def test_a_block_is_recorded_with_its_count_or_with_its_error(access: Access) -> None:
    with access.recording(ANNA, "search", "a hat", how="api", source="10.0.0.7") as outcome:
        outcome.count = 4
    with pytest.raises(FilterError), access.recording(ANNA, "search", "a ha(", how="api", source="10.0.0.7"):
        raise FilterError("no")
    first, second = access.log.read()
    assert (first.who, first.how, first.source, first.action, first.what, first.count, first.status) == (
        "anna",
        "api",
        "10.0.0.7",
        "search",
        "a hat",
        4,
        "ok",
    )
    assert (second.count, second.status) == (None, "FilterError")
    assert first.moment <= second.moment <= datetime.now(UTC)


def test_what_cannot_be_recorded_is_not_answered_unless_the_user_has_the_files_anyway(access: Access) -> None:
    access.log.folder.parent.mkdir()
    access.log.folder.write_text("a file where the folder should be")
    with (
        pytest.raises(StoreError, match=r"audit log .* cannot be written"),
        access.recording(ANNA, "search", "a hat"),
    ):
        pass
    messages: list[str] = []
    with access.recording(ANNA, "search", "a hat", unrecorded=messages.append):
        pass
    assert "not in the audit log" in messages[0]


def test_a_line_is_synced_before_the_answer_is_given(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def watch(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    access.record(ANNA, "search", "a hat", 1)
    assert synced == [len(lines(access)[0]) + 1]


def test_a_line_cut_short_by_a_crash_spoils_neither_the_next_nor_the_reading(access: Access) -> None:
    access.record(ANNA, "search", "first", 1)
    (path,) = access.log.folder.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"at": "2026-')
    access.record(ANNA, "search", "second", 1)
    assert [read.what for read in access.log.read()] == ["first", '{"at": "2026-', "second"]
    assert [read.action for read in access.log.read()] == ["search", "damaged", "search"]


def test_processes_that_write_at_once_lose_and_mix_nothing(access: Access) -> None:
    code = (
        "import sys; from pathlib import Path; from par_core.access import Access, Caller, Role\naccess ="
        " Access(Path(sys.argv[1]))\nfor i in range(40): access.record(Caller(sys.argv[2], Role.SEARCH),"
        " 'search', 'x' * 3000 + str(i), i)\n"
    )
    root = str(access.log.folder.parents[1])
    runs = [subprocess.Popen([sys.executable, "-c", code, root, name]) for name in ("a", "b", "c")]
    assert [run.wait() for run in runs] == [0, 0, 0]
    events = list(access.log.read())
    assert {(read.who, read.count) for read in events} == {(name, i) for name in "abc" for i in range(40)}
    assert len(events) == 120


def test_a_very_long_question_is_cut_and_says_so(access: Access) -> None:
    access.record(ANNA, "search", "x" * 5_000)
    (read,) = access.log.read()
    assert read.what == "x" * 4_000 + " [1000 more characters]"


def test_since_gives_later_events_only_across_months(access: Access) -> None:
    moments = [
        datetime(2026, 9, 30, 23, tzinfo=UTC),
        datetime(2026, 10, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 2, tzinfo=UTC),
    ]
    for moment in moments:
        access.log.append(event(moment, str(moment)))
    assert [read.moment for read in access.log.read(datetime(2026, 10, 1, tzinfo=UTC))] == moments[1:]
    assert [read.moment for read in access.log.read(moments[2] + timedelta(seconds=1))] == []


def test_months_wholly_before_the_days_to_keep_are_deleted_and_no_other(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", keep_days=30)
    for moment in (
        datetime(2026, 8, 1, tzinfo=UTC),
        datetime(2026, 9, 30, tzinfo=UTC),
        datetime(2026, 10, 29, tzinfo=UTC),
    ):
        log.append(event(moment))
    assert sorted(path.name for path in log.folder.glob("*.jsonl")) == ["2026-09.jsonl", "2026-10.jsonl"]
    log.append(event(datetime(2026, 10, 31, tzinfo=UTC)))
    assert sorted(path.name for path in log.folder.glob("*.jsonl")) == ["2026-10.jsonl"]


def test_a_clock_that_is_wrong_for_an_hour_deletes_nothing(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", keep_days=30)
    wrong, right = datetime(2099, 1, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    for moment in (datetime(2026, 10, 1, tzinfo=UTC), wrong, wrong + timedelta(hours=1), right):
        log.append(event(moment))
    assert [read.moment for read in log.read()] == [
        datetime(2026, 10, 1, tzinfo=UTC),
        right,
        wrong,
        wrong + timedelta(hours=1),
    ]


def test_a_log_that_rested_for_years_is_cleared_on_its_second_day(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", keep_days=30)
    for day in (
        datetime(2024, 10, 1, tzinfo=UTC),
        datetime(2026, 11, 2, tzinfo=UTC),
        datetime(2026, 11, 3, tzinfo=UTC),
    ):
        log.append(event(day))
    assert sorted(path.name for path in log.folder.glob("*.jsonl")) == ["2026-11.jsonl"]


def test_rewriting_changes_the_lines_that_name_a_person_and_no_other(
    access: Access,
) -> None:
    for what in ("a hat", "like:abc", "a coat"):
        access.record(ANNA, "search", what, 1)
    before = lines(access)
    assert access.log.rewrite(lambda what: what.replace("abc", "forgotten")) == 1
    after = lines(access)
    assert (after[0], after[2]) == (before[0], before[2])
    assert json.loads(after[1]) == json.loads(before[1]) | {"what": "like:forgotten"}


def test_searches_by_command_and_by_flow_are_in_the_log(tmp_path: Path) -> None:
    store = tmp_path / "store"
    index(store, [archive(tmp_path / "photos", [("red",), ("green", "blue")])])
    done = CliRunner().invoke(
        app,
        [
            "search",
            "a red person",
            "--store",
            str(store),
            "--where",
            "height_px > 1",
            "--profile",
            "fake",
            "--top",
            "2",
        ],
    )
    assert done.exit_code == 0, done.output
    CliRunner().invoke(
        app, ["search", "red", "--store", str(store), "--where", "nonsense >", "--profile", "fake"]
    )
    from flows.deployed import query

    assert query.fn(str(store), text="blue", top=1, settings={"profile": "fake"}) == 1
    events = [
        (read.how, read.action, read.what, read.count, read.status) for read in Access.open(store).log.read()
    ]
    assert events == [
        ("cli", "search", "a red person; where: height_px > 1", 2, "ok"),
        ("cli", "search", "red; where: nonsense >", None, "FilterError"),
        ("flow", "search", "blue", 1, "ok"),
    ]
    assert {read.who for read in Access.open(store).log.read()} == {Caller.local().name}


def test_a_log_that_the_system_refuses_is_one_clear_line(access: Access) -> None:
    access.record(ANNA, "search", "a hat", 1)
    (path,) = access.log.folder.glob("*.jsonl")
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        list(access.log.read())


def test_a_time_that_is_none_is_refused(access: Access) -> None:
    with pytest.raises(BadConfigError, match="expected a date or time"):
        CliRunner().invoke(
            app,
            ["audit-log", "--store", str(access.log.folder.parents[1]), "--since", "yesterday"],
            catch_exceptions=False,
        )


def test_the_newest_come_first_a_page_at_a_time_with_damaged_lines_where_they_stand(access: Access) -> None:
    start = datetime(2026, 10, 30, tzinfo=UTC)
    for day in range(4):
        access.log.append(event(start + timedelta(days=day), str(day)))
    with (access.log.folder / "2026-10.jsonl").open("ab") as file:
        file.write(b"cut sho")
    whole = access.log.latest(10)
    assert [each.what for each in whole.events] == ["3", "2", "cut sho", "1", "0"]
    assert whole.next is None
    for size in range(1, 6):
        paged, page = list[Event](), access.log.latest(size)
        while page.events:
            access.log.append(event(datetime.now(UTC), "later"))
            paged += page.events
            page = access.log.latest(size, page.next) if page.next else LogPage((), None)
        assert [each.what for each in paged if each.what != "later"] == [each.what for each in whole.events]


@pytest.mark.parametrize("place", ["", "2026-11", "2026-11:-1", "2026-11:1\n", "2026-11:\u0661", "../x:1"])
def test_a_place_that_no_page_gave_is_refused(access: Access, place: str) -> None:
    with pytest.raises(BadConfigError, match="next of a page"):
        access.log.latest(1, place)


@given(what=HOSTILE)
def test_any_question_can_be_encoded_in_utf_8(what: str) -> None:
    encodable = event(datetime(2026, 11, 1, tzinfo=UTC), what).encodable().what
    assert encodable.encode() == what.encode("utf-8", "backslashreplace")
