#!/usr/bin/env bash
# A Dask worker that loses its scheduler tries for a while to reach it (seconds where the port refuses, half a
# minute where nothing answers), then ends; its nanny ends with it, and both with exit code 0. A supervisor
# that restarts on failure (systemd's Restart=on-failure, Docker's on-failure) takes that for success: after a restart of the scheduler no worker is left.
# Seen 2026-11-29 with distributed 2026.8.0, Python 3.11: exit code 0, after 3 s with the scheduler's process killed. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'kill -9 "${scheduler:-0}" 2>/dev/null || true; kill "${worker:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet dask==2026.8.0 distributed==2026.8.0
cd "$work"
"$work/venv/bin/dask" scheduler --host 127.0.0.1 --port 0 --no-dashboard --scheduler-file s.json > /dev/null 2>&1 &
scheduler=$!
"$work/venv/bin/dask" worker --scheduler-file s.json --nthreads 1 --no-dashboard > worker.log 2>&1 &
worker=$!
for _ in $(seq 120); do grep -q "Registered to" worker.log && break; sleep 0.5; done
kill -9 "$scheduler"
started=$(date +%s)
code=0
timeout 120 tail --pid="$worker" -f /dev/null
wait "$worker" || code=$?
echo "the nanny ended with exit code $code after $(($(date +%s) - started)) s"
[ "$code" = 0 ]
