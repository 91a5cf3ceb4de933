"""One writer: the lease, its end, and what a writer that was cut off can still do."""

import threading
import time

import pytest

from benchmarks.faulty_proxy import FaultyProxy, Kind
from par_core.errors import BadConfigError, StoreError, TransientError
from par_core.object_store import holding
from par_core.object_store.client import MissingObjectError, Objects
from par_core.object_store.head import Head, HeadChangedError, HeadFile
from par_core.object_store.holding import Holding, LeaseLostError
from par_core.object_store.memory import MemoryObjects
from par_core.object_store.s3 import S3Objects
from tests.waiting import wait_until


def test_a_second_writer_is_refused_until_the_first_has_ended(objects: Objects) -> None:
    first = Holding(objects, "a")
    with pytest.raises(StoreError, match=r"another par command is writing to .*process \d+ on"):
        Holding(objects, "b")
    first.release()
    second = Holding(objects, "b")
    assert (second.head.epoch, second.crashed) == (2, False)


def test_the_same_copy_takes_its_own_lease_back_at_once(objects: Objects) -> None:
    Holding(objects, "a")
    again = Holding(objects, "a")
    assert (again.head.epoch, again.crashed) == (2, True)


def test_a_lease_that_has_expired_is_taken_and_the_first_writer_cannot_commit(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_SKEW_S", 0.0)
    first = Holding(objects, "a", lease_s=0.2)
    time.sleep(0.25)
    second = Holding(objects, "b")
    with pytest.raises(LeaseLostError, match=r"was taken by another writer .*run the same command again"):
        first.commit(lambda head: head)
    with pytest.raises(LeaseLostError):  # for good
        first.commit(lambda head: head)
    first.renew()
    first.release()
    assert second.commit(lambda head: head).head.lease is not None


def test_a_lease_that_has_expired_is_kept_while_nobody_takes_it(objects: Objects) -> None:
    first = Holding(objects, "a", lease_s=0.0)
    time.sleep(0.01)
    assert first.commit(lambda head: head).head.epoch == 1


def test_a_writer_extends_its_lease_while_it_works(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_SKEW_S", 0.0)
    first = Holding(objects, "a", lease_s=0.6)
    with first.renewed():
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            with pytest.raises(StoreError, match="another par command"):
                Holding(objects, "b")
            time.sleep(0.1)


def test_of_many_writers_one_gets_the_store(objects: Objects) -> None:
    got, refused = list[str](), list[str]()

    def take(name: str) -> None:
        try:
            Holding(objects, name)
        except StoreError:
            refused.append(name)
        else:
            got.append(name)

    threads = [threading.Thread(target=take, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)


def test_a_place_with_other_objects_is_refused(objects: Objects) -> None:
    objects.put("holiday.jpg", b"")
    with pytest.raises(BadConfigError, match="is no PAR store"):
        Holding(objects, "a")


class Careless(MemoryObjects):
    """A server that does not know conditions."""

    def put_if(self, key: str, content: bytes, tag: str | None) -> str | None:
        return self.put(key, content)


def test_a_server_without_conditional_writes_is_refused() -> None:
    objects = Careless("memory://careless")
    with pytest.raises(BadConfigError, match="does not keep to conditions of writes"):
        Holding(objects, "a")
    assert list(objects.listed("")) == []


class Hasty(MemoryObjects):
    """A server that looks at the condition first and writes later, so that several writers pass at once."""

    def put_if(self, key: str, content: bytes, tag: str | None) -> str | None:
        try:
            known: str | None = self.get(key).tag  # type: ignore[union-attr]
        except MissingObjectError:
            known = None
        if known != tag:
            return None
        time.sleep(0.05)
        return self.put(key, content)


def test_a_server_that_lets_two_writers_pass_at_once_is_refused(url: str) -> None:
    objects = Hasty(url.replace("s3://", "memory://"))
    assert objects.put_if("a", b"1", None) is not None
    assert objects.put_if("a", b"2", None) is None, "one after the other it refuses"
    objects.delete(["a"])
    with pytest.raises(BadConfigError, match="does not keep to conditions of writes"):
        Holding(objects, "a")
    assert list(objects.listed("")) == []


@pytest.mark.parametrize("kind", ["error", "cut", "lost", "twice"])
def test_a_store_is_made_in_spite_of_faults(proxy: FaultyProxy, url: str, kind: Kind) -> None:
    proxy.fail(kind, "PUT", "/probe-", times=2, after=3)
    Holding(S3Objects(url), "a").release()
    assert [item.key for item in S3Objects(url).listed("")] == ["head.json"]


@pytest.mark.parametrize("kind", ["error", "cut", "lost", "twice"])
def test_a_commit_outlasts_faults_and_is_done_once(proxy: FaultyProxy, url: str, kind: Kind) -> None:
    held = Holding(S3Objects(url), "a")
    proxy.fail(kind, "PUT", "/head.json", times=2)
    known = held.commit(lambda head: Head(store=head.store, epoch=head.epoch, generation=head.generation + 1))
    found = HeadFile(S3Objects(url)).read()
    assert found == known
    assert known.head.generation == 1
    held.release()


def test_a_request_that_arrives_after_it_was_given_up_counts_once(
    proxy: FaultyProxy, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = S3Objects(url)
    held = Holding(objects, "a")
    monkeypatch.setattr("par_core.object_store.s3._TRIES", 1)
    proxy.fail("late", "PUT", "/head.json")

    def change(head: Head) -> Head:
        return Head(store=head.store, epoch=head.epoch, generation=7, catalogues=("x",), changes=(1,))

    with pytest.raises(TransientError):
        held.commit(change)

    def arrived() -> bool:
        found = HeadFile(objects).read()
        return found is not None and found.head.generation == 7

    wait_until(arrived)
    known = held.commit(lambda head: Head(store=head.store, epoch=head.epoch, generation=8))
    assert HeadFile(objects).read() == known
    assert known.head.generation == 8


def test_an_old_request_that_arrives_late_changes_nothing(objects: Objects) -> None:
    file = HeadFile(objects)
    first = file.replace(Head(store="s"), None)
    file.replace(Head(store="s", generation=1), first)
    assert objects.put_if("head.json", Head(store="s", generation=9).encoded(), first.tag) is None
    with pytest.raises(HeadChangedError):
        HeadFile(objects).replace(Head(store="s", generation=9), first)
