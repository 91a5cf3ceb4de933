"""Records: files that many hosts change at any time."""

from pathlib import Path

import pytest

from benchmarks.faulty_proxy import FaultyProxy
from par_core.errors import StoreError
from par_core.object_store.client import Objects
from par_core.object_store.working_copy import WorkingCopy
from tests.object_stores import copy_at

REVIEW = "reviews/hat.json"


@pytest.fixture
def hosts(objects: Objects, tmp_path: Path) -> tuple[WorkingCopy, WorkingCopy]:
    with copy_at(tmp_path / "w", objects.url, objects, writing=True).writing():
        pass
    copies = copy_at(tmp_path / "a", objects.url, objects), copy_at(tmp_path / "b", objects.url, objects)
    for copy in copies:
        copy.open()
    return copies


def write(copy: WorkingCopy, name: str, content: bytes) -> None:
    (copy.root / name).parent.mkdir(parents=True, exist_ok=True)
    (copy.root / name).write_bytes(content)


def test_a_record_reaches_the_other_hosts(hosts: tuple[WorkingCopy, WorkingCopy]) -> None:
    here, there = hosts
    for content in (b"1", b"2"):
        write(here, REVIEW, content)
        here.send_records()
        there.refresh()
        assert (there.root / REVIEW).read_bytes() == content
    write(there, REVIEW, b"3")
    there.send_records()
    here.refresh()
    assert (here.root / REVIEW).read_bytes() == b"3"
    (here.root / REVIEW).unlink()
    here.send_records()
    there.refresh()
    assert not (there.root / REVIEW).exists()


def test_only_the_owner_may_read_what_arrives(hosts: tuple[WorkingCopy, WorkingCopy]) -> None:
    here, there = hosts
    write(here, "access/tokens.json", b"{}")
    here.send_records()
    there.refresh()
    assert (there.root / "access/tokens.json").stat().st_mode & 0o777 == 0o600


def test_a_change_on_two_hosts_loses_nothing_and_is_said(hosts: tuple[WorkingCopy, WorkingCopy]) -> None:
    here, there = hosts
    write(here, REVIEW, b"here")
    write(there, REVIEW, b"there")
    here.send_records()
    there.refresh()
    with pytest.raises(
        StoreError, match=r"another host has changed reviews/hat.json .* kept as reviews/hat-2"
    ):
        there.send_records()
    assert (there.root / REVIEW).read_bytes() == b"here"
    there.send_records()
    here.refresh()
    assert (here.root / "reviews/hat-2.json").read_bytes() == b"there"


def test_tags_of_two_hosts_at_once_are_refused_and_leave_no_second_file(
    hosts: tuple[WorkingCopy, WorkingCopy],
) -> None:
    here, there = hosts
    write(here, "tags/ab.json", b"here")
    write(there, "tags/ab.json", b"there")
    here.send_records()
    with pytest.raises(StoreError, match=r"another host has changed tags/ab.json meanwhile; try again"):
        there.send_records()
    assert [path.name for path in (there.root / "tags").glob("*.json")] == ["ab.json"]
    assert (there.root / "tags/ab.json").read_bytes() == b"here"


def test_tokens_are_never_joined(hosts: tuple[WorkingCopy, WorkingCopy]) -> None:
    here, there = hosts
    write(here, "access/tokens.json", b"revoked")
    write(there, "access/tokens.json", b"added")
    here.send_records()
    with pytest.raises(StoreError, match=r"another host has changed access/tokens.json meanwhile; try again"):
        there.send_records()
    assert (there.root / "access/tokens.json").read_bytes() == b"revoked"
    there.send_records()
    here.refresh()
    assert (here.root / "access/tokens.json").read_bytes() == b"revoked"


def test_each_host_has_an_audit_log_that_all_can_read(hosts: tuple[WorkingCopy, WorkingCopy]) -> None:
    here, there = hosts
    write(here, "access/audit/2026-11.jsonl", b"here\n")
    write(there, "access/audit/2026-11.jsonl", b"there\n")
    for copy in (here, there, here):
        copy.send_records()
        copy.refresh()
    assert (here.root / "access/audit/2026-11.jsonl").read_bytes() == b"here\n"
    assert (here.root / "access/audit/of/b/2026-11.jsonl").read_bytes() == b"there\n"


def test_lines_that_an_erasure_has_changed_stay_changed(hosts: tuple[WorkingCopy, WorkingCopy]) -> None:
    here, there = hosts
    write(here, "access/audit/2026-11.jsonl", b"a person\n")
    here.send_records()
    there.refresh()
    write(there, "access/audit/of/a/2026-11.jsonl", b"forgotten\n")
    there.send_records()
    write(here, "access/audit/2026-11.jsonl", b"a person\nanother line\n")
    here.send_records()
    there.refresh()
    assert (here.root / "access/audit/2026-11.jsonl").read_bytes() == b"forgotten\nanother line\n"
    assert (there.root / "access/audit/of/a/2026-11.jsonl").read_bytes() == b"forgotten\nanother line\n"


def test_an_answer_that_was_lost_is_no_conflict(proxy: FaultyProxy, url: str, tmp_path: Path) -> None:
    copy = copy_at(tmp_path / "a", url)
    copy.open()
    proxy.fail("lost", "PUT", REVIEW, times=2)
    write(copy, REVIEW, b"1")
    copy.send_records()
    other = copy_at(tmp_path / "b", url)
    other.open()
    other.records.pull()
    assert (other.root / REVIEW).read_bytes() == b"1"


def test_nothing_is_asked_where_nothing_was_written(proxy: FaultyProxy, url: str, tmp_path: Path) -> None:
    copy = copy_at(tmp_path / "a", url)
    copy.open()
    proxy.seen.clear()
    copy.send_records()
    assert proxy.seen == []
