"""One holder at a time, among threads and processes, and no lock that outlives its holder."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from par_core.locks import locked


def test_threads_take_turns(tmp_path: Path) -> None:
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        with locked(tmp_path / "deep" / "lock", mode=0o600):
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert (tmp_path / "deep" / "lock").stat().st_mode & 0o777 == 0o600


def test_a_killed_holder_lets_the_next_one_in(tmp_path: Path) -> None:
    script = "import sys, time; from pathlib import Path; from par_core.locks import locked\n"
    script += "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "lock")], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    entered: list[float] = []

    def enter() -> None:
        with locked(tmp_path / "lock"):
            entered.append(time.monotonic())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(0.3)
    assert not entered
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    thread.join(10)
    assert entered
