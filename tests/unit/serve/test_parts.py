"""The small parts: memory, rate, worker_pools."""

import asyncio
import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.errors import BadConfigError
from par_core.serve.problems import BusyError, TooSlowError
from par_core.serve.rate import Rate
from par_core.serve.recent import Recent
from par_core.serve.server import bind, is_local
from par_core.serve.worker_pool import WorkerPool


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12))))
def test_memory_never_weighs_more_than_it_may_and_holds_the_last_that_fits(
    puts: list[tuple[int, int]],
) -> None:
    kept: Recent[int, int] = Recent(10, lambda value: value)
    for key, value in puts:
        kept.put(key, value)
        held = [weight for place in range(6) if (weight := kept.get(place)) is not None]
        assert sum(held) <= 10
        assert kept.get(key) == (value if value <= 10 else None)


def test_memory_drops_what_was_not_used_for_longest() -> None:
    kept: Recent[str, int] = Recent(2)
    kept.put("a", 1)
    kept.put("b", 2)
    kept.get("a")
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_a_client_may_ask_so_often_a_minute_and_others_are_not_its_concern() -> None:
    now = 0.0
    rate = Rate(3, lambda: now)
    assert [rate.take("a") for _ in range(4)] == [True, True, True, False]
    assert rate.take("b")
    now = 20.0  # a third of a minute gives one of three
    assert [rate.take("a"), rate.take("a")] == [True, False]
    now = 1000.0
    assert [rate.take("a") for _ in range(4)] == [True, True, True, False]


def test_a_slow_call_is_given_up_and_others_go_on() -> None:
    worker_pool, release = WorkerPool("test", 2, 10, 0.2), threading.Event()

    async def ask() -> list[object]:
        slow = asyncio.create_task(worker_pool.run(release.wait, 30))
        await asyncio.sleep(0.01)
        quick = [await worker_pool.run(lambda number=number: number) for number in range(5)]
        with pytest.raises(TooSlowError, match=r"within 0\.2 seconds"):
            await slow
        return quick

    started = time.monotonic()
    try:
        assert asyncio.run(ask()) == list(range(5))
    finally:
        release.set()
        worker_pool.close()
    assert time.monotonic() - started < 5


def test_too_many_waiting_calls_are_turned_away_and_places_are_given_back() -> None:
    worker_pool, release = WorkerPool("test", 1, 1, 5.0), threading.Event()

    async def ask() -> None:
        first, second = (
            asyncio.create_task(worker_pool.run(release.wait, 30)),
            asyncio.create_task(worker_pool.run(lambda: "second")),
        )
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError):
            await worker_pool.run(lambda: "third")
        release.set()
        assert await first
        assert await second == "second"
        assert await worker_pool.run(lambda: "fourth") == "fourth"

    asyncio.run(ask())
    worker_pool.close()


def test_threads_that_give_way_are_nicer_than_the_others_of_their_process() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    pools = [WorkerPool("test", 1, 1, 5.0, gives_way=gives_way) for gives_way in (False, True)]
    own = niceness()
    assert [asyncio.run(pool.run(niceness)) for pool in pools] == [own, min(own + 5, 19)]
    assert niceness() == own
    for pool in pools:
        pool.close()


def test_an_error_of_the_work_is_the_callers() -> None:
    worker_pool = WorkerPool("test", 1, 1, 5.0)

    def fail() -> None:
        raise TimeoutError("of the work itself")

    with pytest.raises(TimeoutError, match="of the work itself"):
        asyncio.run(worker_pool.run(fail))
    worker_pool.close()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("archive.example", False),
    ],
)
def test_only_loopback_is_local(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with (
        bind("127.0.0.1", 0) as taken,
        pytest.raises(BadConfigError, match="Address already in use; choose another with --port"),
    ):
        bind("127.0.0.1", taken.getsockname()[1])
