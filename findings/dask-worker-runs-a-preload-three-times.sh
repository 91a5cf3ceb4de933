#!/usr/bin/env bash
# `dask worker --preload FILE.py` runs the file three times in the worker's process: it is imported and reloaded, into the same module. Code that wraps a
# function and keeps the original in a global of the module (`_plain = f; f = wrapper`) so ends up with a wrapper that calls itself for ever, as the
# next run finds its own wrapper as the original. Closures, or a check whether the function is wrapped already, are safe.
# Seen 2026-11-29 with distributed 2026.8.0, Python 3.11: three runs in one process. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${scheduler:-0}" "${worker:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet dask==2026.8.0 distributed==2026.8.0
cd "$work"
cat > preloaded.py <<PY
import os

with open("$work/runs", "a") as file:
    file.write(f"{os.getpid()}\n")
PY
"$work/venv/bin/dask" scheduler --host 127.0.0.1 --port 0 --no-dashboard --scheduler-file s.json > /dev/null 2>&1 &
scheduler=$!
"$work/venv/bin/dask" worker --scheduler-file s.json --no-nanny --no-dashboard --preload preloaded.py > worker.log 2>&1 &
worker=$!
for _ in $(seq 120); do grep -q "Registered to" worker.log && break; sleep 0.5; done
sort runs | uniq -c
[ "$(sort runs | uniq -c | awk '{print $1}' | sort -n | tail -1)" = 3 ]
