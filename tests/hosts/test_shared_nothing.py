"""The table of faults, for hosts that share no folder: store and archive are on S3."""

import time

import pytest

from tests.hosts.conftest import Night
from tests.hosts.shared_nothing import OF_A_HOST, SharedNothing
from tests.hosts.test_faults import DETECTION_S, WORK_S

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(900)]


@pytest.fixture
def apart(night: Night, monkeypatch: pytest.MonkeyPatch) -> SharedNothing:
    for name in OF_A_HOST:  # put back afterwards
        monkeypatch.setenv(name, "")
    return SharedNothing(night.hosts, night.photos, night.store)


def test_nothing_goes_wrong(apart: SharedNothing) -> None:
    apart.cluster()
    apart.begin()
    assert apart.end("none", WORK_S) == 0


def test_a_workers_host_is_switched_off(apart: SharedNothing) -> None:
    apart.cluster()
    apart.begin()
    apart.hosts.kill_all("one")
    assert apart.end("a worker's host switched off", WORK_S + DETECTION_S) == 0


def test_a_worker_is_cut_off_for_a_minute(apart: SharedNothing) -> None:
    apart.cluster()
    apart.begin()
    apart.hosts.cut("one")
    time.sleep(60)
    apart.hosts.mend("one")
    assert apart.end("a worker cut off for 60 s", WORK_S + DETECTION_S) == 0


def test_the_object_store_is_slow(apart: SharedNothing) -> None:
    apart.cluster()
    apart.begin()
    apart.trouble(delay_s=0.3)
    code = apart.end("the object store adds 0.3 s to each request", WORK_S + DETECTION_S)
    assert code == 0


def test_the_object_store_refuses_for_a_while(apart: SharedNothing) -> None:
    apart.cluster()
    apart.begin()
    apart.trouble(refuses=True)
    time.sleep(20)
    apart.trouble()
    assert apart.end("the object store answers 503 for 20 s", WORK_S + DETECTION_S) == 0


def test_the_object_store_is_away_for_a_while(apart: SharedNothing) -> None:
    apart.cluster()
    apart.begin()
    apart.hosts.cut("server")
    time.sleep(30)
    apart.hosts.mend("server")
    assert apart.end("the object store away for 30 s", WORK_S + DETECTION_S) == 0


def test_the_object_store_stays_away(apart: SharedNothing) -> None:
    apart.cluster()
    apart.begin()
    apart.hosts.cut("server")
    assert apart._run is not None
    apart.said = apart._run.communicate(timeout=600)[1]
    assert apart._run.returncode == 3
    took = time.monotonic() - apart._faulted_at
    assert "cannot be reached" in apart.said
    apart.hosts.mend("server")
    apart.check_and_finish("the object store away for good", f"{took:.0f} s", 3)


def test_the_driver_is_killed_and_the_run_started_again(apart: SharedNothing) -> None:
    apart.cluster()
    apart.begin()
    apart.hosts.kill_all("driver")
    apart.begin()
    assert apart.end("driver killed, and started again on the same cluster", WORK_S) == 0
