#!/usr/bin/env bash
# Prefect 3.8.8 accepts SQLAlchemy 2.1, but its scheduler then books no run of any schedule. Deployments are accepted, runs started by hand work, the
# health check answers; the only sign is an error in the server's log. With SQLAlchemy 2.0.58 the same deployment has runs booked within seconds.
# Seen 2026-11-29, Python 3.11: "InvalidRequestError: Can't evaluate bulk DML statement" in the log, 0 runs booked with 2.1.9; 3 runs or more with 2.0.58.
# Exits 1 if that changes. Takes about three minutes.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
cat > "$work/flow.py" <<'PY'
from prefect import flow


@flow
def nightly():
    pass
PY
cat > "$work/ask.py" <<'PY'
import json, os, time, urllib.request

API = os.environ["PREFECT_API_URL"]


def post(path, body):
    request = urllib.request.Request(f"{API}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request, timeout=20).read())


for _ in range(240):
    try:
        urllib.request.urlopen(f"{API}/health", timeout=2)
        break
    except OSError:
        time.sleep(0.5)
flow = post("flows/", {"name": "nightly"})["id"]
schedule = {"schedule": {"cron": "0 1 * * *", "timezone": "Etc/UTC"}, "active": True}
post("deployments/", {"name": "d", "flow_id": flow, "schedules": [schedule], "entrypoint": "flow.py:nightly"})
booked, ends = 0, time.time() + 45
while not booked and time.time() < ends:
    booked = len(post("flow_runs/filter", {}))
    time.sleep(1)
print(booked)
PY
booked() { # version of SQLAlchemy
    "$work/venv/bin/pip" install --quiet prefect==3.8.8 fastapi==0.150.0 "sqlalchemy==$1"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    export PREFECT_HOME="$work/home-$1" PREFECT_API_URL="http://127.0.0.1:$port/api" DO_NOT_TRACK=1 PREFECT_SERVER_ANALYTICS_ENABLED=false
    "$work/venv/bin/prefect" server start --host 127.0.0.1 --port "$port" --no-ui > "$work/log-$1" 2>&1 &
    server=$!
    "$work/venv/bin/python" "$work/ask.py"
    kill "$server"
    wait "$server" 2>/dev/null || true
}
new=$(booked 2.1.9 | tail -1)
old=$(booked 2.0.58 | tail -1)
echo "runs booked with SQLAlchemy 2.1.9: $new; with 2.0.58: $old"
grep -m1 -o "Can't evaluate bulk DML statement" "$work/log-2.1.9"
[ "$new" = 0 ] && [ "$old" -ge 1 ]
