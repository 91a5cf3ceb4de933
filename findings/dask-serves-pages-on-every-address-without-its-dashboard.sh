#!/usr/bin/env bash
# `dask scheduler --host 127.0.0.1 --no-dashboard` of distributed 2026.8.0 opens a second port on every address of the machine, by default 8787, and
# answers plain HTTP there: pages about workers and tasks, JSON, metrics. The option leaves out the Bokeh plots alone, and --host is for the other port.
# Workers do the same with metrics on a random port. So does a scheduler that takes TLS with certificates only. What closes it: --dashboard-address
# 127.0.0.1:8787 (workers: 127.0.0.1:0), or distributed.scheduler.http.routes and distributed.worker.http.routes without the pages.
# Seen 2026-11-30, Python 3.11: both ports open on 0.0.0.0, 200 for /info/main/workers.html; with the option 127.0.0.1. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet dask==2026.8.0 distributed==2026.8.0
cat > "$work/look.py" <<'PY'
import glob, os, re, socket, sys, time, urllib.request

log, pids = sys.argv[1], sys.argv[2:]


def listening(process):  # addresses and ports on which a process and its children listen
    found = set()
    pids = [process, *(child for task in glob.glob(f"/proc/{process}/task/*/children") for child in open(task).read().split())]
    inodes = {os.readlink(fd)[8:-1] for pid in pids for fd in glob.glob(f"/proc/{pid}/fd/*") if os.path.exists(fd) or os.path.islink(fd) if "socket:" in os.readlink(fd)}
    for line in open("/proc/net/tcp").readlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            address, port = fields[1].split(":")
            found.add((socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)))
    return found


for _ in range(600):
    text = open(log).read()
    if "Register worker" in text:
        break
    time.sleep(0.5)
scheduler, worker = map(listening, pids)
page = int(re.search(r"dashboard at: +http://[^:]+:(\d+)", text)[1])
print("scheduler listens on", sorted({address for address, _ in scheduler}), "worker on", sorted({address for address, _ in worker}))
print("/info/main/workers.html:", urllib.request.urlopen(f"http://127.0.0.1:{page}/info/main/workers.html", timeout=10).status)
PY
look() { # more options of the scheduler, more options of the worker
    # shellcheck disable=SC2086
    "$work/venv/bin/python" -m dask scheduler --host 127.0.0.1 --port 0 --scheduler-file "$work/place$3" --no-dashboard $1 > /dev/null 2> "$work/log$3" &
    scheduler=$!
    # shellcheck disable=SC2086
    "$work/venv/bin/python" -m dask worker --scheduler-file "$work/place$3" --host 127.0.0.1 --nthreads 1 --no-nanny --no-dashboard $2 > /dev/null 2> "$work/worker$3" &
    worker=$!
    "$work/venv/bin/python" "$work/look.py" "$work/log$3" "$scheduler" "$worker" || true
    kill -9 "$worker" "$scheduler"
    wait "$worker" "$scheduler" 2>/dev/null || true
}
open=$(look "" "" 1)
closed=$(look "--dashboard-address 127.0.0.1:8787" "--dashboard-address 127.0.0.1:0" 2)
printf -- '--no-dashboard: %s\nwith an address: %s\n' "$open" "$closed"
[ "$(grep -c "scheduler listens on \['0.0.0.0', '127.0.0.1'\] worker on \['0.0.0.0', '127.0.0.1'\]" <<< "$open")" = 1 ]
grep -q "workers.html: 200" <<< "$open"
grep -q "scheduler listens on \['127.0.0.1'\] worker on \['127.0.0.1'\]" <<< "$closed"
