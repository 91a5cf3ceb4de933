"""Parts that are tried again or replaced, and the limits after which no more are tried."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from flows import fan_out as module
from flows.fan_out import ListJob, fan_out
from flows.pools import Ended, How, PoolGoneError, ThreadPool
from par_core.errors import BadInputError, ParError, TransientError, WorkerLostError


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELAYS_S", (0.0, 0.0))
    monkeypatch.setattr(module, "_TICK_S", 0.01)


class Work:
    """Does what each part's name says, and counts."""

    def __init__(self, **behaviour: Any) -> None:
        self.behaviour = behaviour
        self.calls: Counter[str] = Counter()
        self.attempts: list[str] = []
        self._lock = threading.Lock()

    def task(self, part: str, attempt: str) -> Any:
        self.attempts.append(attempt)
        return self.run, (part,)

    def run(self, part: str) -> None:
        with self._lock:
            self.calls[part] += 1
            error = self.behaviour.get(part)
            if isinstance(error, list):
                error = error.pop(0) if error else None
        if error is not None:
            raise error

    def lost(self, part: str, _: str) -> Iterable[str]:
        raise WorkerLostError("no worker should be lost here")


def carry_out(work: Work, parts: list[str], most: int = 3) -> dict[str, Exception]:
    with ThreadPool(2) as pool:
        return fan_out(ListJob(parts, work.task, work.lost, most), pool, name="run", say=lambda _: None)


def test_only_what_may_pass_is_tried_again() -> None:
    work = Work(a=TransientError("the network"), b=BadInputError("no"), c=[TransientError("once")])
    failed = carry_out(work, ["a", "b", "c", "d"])
    assert work.calls == {"a": 3, "b": 1, "c": 2, "d": 1}
    assert {name: type(error) for name, error in failed.items()} == {"a": TransientError, "b": BadInputError}


def test_waiting_to_try_again_keeps_no_worker_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELAYS_S", (1.0,))
    work = Work(a=[TransientError("once")])
    finished: list[float] = []
    plain = work.run

    def run(part: str) -> None:
        plain(part)
        finished.append(time.monotonic())

    work.run = run  # type: ignore[method-assign]
    started = time.monotonic()
    with ThreadPool(1) as pool:  # its only worker
        assert fan_out(ListJob(["a", *"bcdefgh"], work.task, work.lost, 3), pool, name="run", say=print) == {}
    assert len([moment for moment in finished if moment - started < 0.9]) == 7
    assert len(finished) == 8


def test_many_failing_parts_in_a_row_stop_the_run() -> None:
    parts = [f"{n:03d}" for n in range(100)]
    failed = carry_out(Work(**dict.fromkeys(parts, BadInputError("no"))), parts)
    assert failed.keys() == set(parts)
    not_tried = [
        error for error in failed.values() if "not tried: too many shards in a row had failed" in str(error)
    ]
    assert len(not_tried) >= 90


def test_failures_that_are_not_in_a_row_do_not_stop_it() -> None:
    parts = [f"{n:03d}" for n in range(60)]
    failed = carry_out(Work(**{name: BadInputError("no") for name in parts[::6]}), parts)
    assert failed.keys() == set(parts[::6])


def test_ten_thousand_parts_are_handed_out_a_few_at_a_time_and_each_once() -> None:
    work, most = Work(), [0]
    with ThreadPool(2) as pool:
        submit = pool.submit
        out: Counter[str] = Counter()

        def counting(key: str, function: Any, arguments: Any) -> None:
            out[key] += 1
            most[0] = max(most[0], len(out) - sum(work.calls.values()))
            submit(key, function, arguments)

        pool.submit = counting  # type: ignore[method-assign]
        assert (
            fan_out(
                ListJob([str(n) for n in range(10_000)], work.task, work.lost, 3), pool, name="run", say=print
            )
            == {}
        )
    assert set(work.calls.values()) == {1}
    assert len(work.calls) == 10_000
    assert most[0] <= 2 * pool.capacity


class LosingPool:
    """Ends every task as the test says, without doing anything: stands for a cluster that loses workers and
    schedulers.
    """

    capacity = 2

    def __init__(self, *ends: How | None) -> None:
        self.ends = list(ends)
        self.out: list[str] = []

    def submit(self, key: str, function: Any, arguments: tuple[Any, ...]) -> None:
        self.out.append(key)

    def wait(self, seconds: float) -> list[Ended]:
        how = self.ends.pop(0) if self.ends else How.DONE
        if how is None:
            raise PoolGoneError("everything is gone")
        return [
            Ended(self.out.pop(0), how, WorkerLostError("tcp://10.0.0.7:1"))
            if how is How.LOST
            else Ended(self.out.pop(0), how)
        ]


def losing(pool: LosingPool, parts: list[str], lost: Any) -> tuple[dict[str, Exception], list[str]]:
    said: list[str] = []
    attempts: list[str] = []

    def task(part: str, attempt: str) -> Any:
        attempts.append(f"{part}:{attempt}")
        return print, ()

    failed = fan_out(ListJob(parts, task, lost, 3), pool, name="run", say=said.append)  # type: ignore[arg-type]
    assert len({attempt.split(":")[1] for attempt in attempts}) == len(attempts), "an attempt was named twice"
    return failed, said


def test_a_lost_part_is_replaced_by_what_the_job_names_and_a_line_says_so() -> None:
    attempted: list[str] = []

    def halves(part: str, _: str) -> list[str]:
        attempted.append(part)
        return [f"{part}1", f"{part}2"] if len(part) < 3 else []

    failed, said = losing(LosingPool(How.LOST, How.DONE, How.LOST, How.LOST), ["a", "b"], halves)
    assert failed == {}
    assert attempted == ["a", "a1", "a2"]
    assert said[0] == "par: a worker was lost: tcp://10.0.0.7:1; its work is given to others"


def test_what_a_scheduler_that_went_gives_back_is_handed_out_again_without_blame() -> None:
    def none_lost(part: str, _: str) -> list[str]:
        raise AssertionError(part)

    assert losing(LosingPool(*[How.RETURNED] * 10), ["a", "b", "c"], none_lost) == ({}, [])


def test_a_lost_pool_ends_the_run_with_its_reason_for_all_parts_left() -> None:
    failed, _ = losing(LosingPool(How.DONE, None), ["a", "b", "c", "d"], lambda part, _: [part])
    assert {name: str(error) for name, error in failed.items()} == dict.fromkeys("bcd", "everything is gone")


def test_a_pool_that_breaks_ends_the_work_and_not_the_run() -> None:
    class Broken(LosingPool):
        def submit(self, key: str, function: Any, arguments: tuple[Any, ...]) -> None:
            if len(self.out) == 1:
                raise RuntimeError("the client is closed")
            super().submit(key, function, arguments)

    failed, _ = losing(Broken(), ["a", "b", "c"], lambda part, _: [part])
    assert {name: str(error) for name, error in failed.items()} == dict.fromkeys(
        "abc", "RuntimeError: the client is closed"
    )


def test_a_scheduler_that_goes_again_and_again_fails_a_part_in_the_end() -> None:
    failed, _ = losing(LosingPool(*[How.RETURNED] * 100), ["a"], lambda part, _: [part])
    assert "the scheduler went away 21 times" in str(failed["a"])


def test_workers_that_are_lost_one_after_another_end_the_run() -> None:
    failed, said = losing(LosingPool(*[How.LOST] * 1000), ["a", "b"], lambda part, _: [part])
    assert failed.keys() == {"a", "b"}
    assert "workers were lost one after another, and nothing was finished in between" in str(failed["a"])
    assert 32 <= len(said) <= 34  # those that were out already end too


def test_a_part_that_cannot_be_replaced_fails_with_the_reason_and_the_others_go_on() -> None:
    def refuse(part: str, _: str) -> list[str]:
        raise ParError(f"{part} cannot be halved") if part == "a" else OSError(28, "No space left on device")

    failed, _ = losing(LosingPool(How.LOST, How.LOST), ["a", "b", "c"], refuse)
    assert {name: str(error) for name, error in failed.items()} == {
        "a": "a cannot be halved",
        "b": "[Errno 28] No space left on device",
    }
