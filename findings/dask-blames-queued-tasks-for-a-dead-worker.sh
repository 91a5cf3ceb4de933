#!/usr/bin/env bash
# When a worker dies, Dask counts it against every task that was assigned to the worker, not only those that it was running. With one thread, a task that
# waits behind the one that kills the worker so gets a KilledWorker of its own, which says that workers died "while running it", though it never began.
# A caller that takes the task of KilledWorker for the culprit discards innocent work; a mark that a task writes when it begins tells them apart.
# Seen 2026-11-29 with distributed 2026.8.0, Python 3.11, allowed-failures 0: both tasks KilledWorker, the second never begun. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet dask==2026.8.0 distributed==2026.8.0
cat > "$work/blame.py" <<'PY'
import os, sys, time
from pathlib import Path

import dask
from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker


def kills(mark):
    Path(mark).touch()
    time.sleep(1)
    os._exit(1)


def innocent(mark):
    Path(mark).touch()


if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL") as cluster, Client(cluster) as client:
        address = list(client.scheduler_info()["workers"])
        futures = [client.submit(each, f"{sys.argv[1]}/{each.__name__}", workers=address) for each in (kills, innocent)]
        errors = [type(future.exception()) for future in futures]
    begun = Path(sys.argv[1], "innocent").exists()
    print("kills:", errors[0].__name__, "- innocent:", errors[1].__name__, "- begun:", begun)
    sys.exit(not (errors == [KilledWorker, KilledWorker] and not begun))
PY
"$work/venv/bin/python" "$work/blame.py" "$work" 2>/dev/null
