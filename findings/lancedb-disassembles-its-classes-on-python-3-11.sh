#!/usr/bin/env bash
# `import lancedb` does work on Python 3.11 that it does not on later versions, for marks that change nothing: it marks methods with the package `overrides`
# there, and each mark disassembles the code that defines the class, to find its bases by name (from 3.12 on lancedb uses typing.override). 105
# disassemblies took 0.10 of 1.63 CPU s of the import, which every short command and every worker pays.
# Seen 2026-11-30 with lancedb 0.40.0, overrides 7.7.0, Python 3.11. Exits 1 if that changes; needs python3 to be 3.11.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "needs python3 to be 3.11" >&2; exit 1; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet lancedb==0.40.0 overrides==7.7.0
cat > "$work/count.py" <<'PY'
import importlib, sys, time

checks = importlib.import_module("overrides.overrides")

plain, calls, seconds = checks._get_base_class_names, 0, 0.0


def counted(frame):
    global calls, seconds
    calls, before = calls + 1, time.process_time()
    try:
        return plain(frame)
    finally:
        seconds += time.process_time() - before


checks._get_base_class_names = counted
before = time.process_time()
import lancedb

print(f"{calls} disassemblies: {seconds:.2f} of {time.process_time() - before:.2f} CPU s of the import")
sys.exit(calls < 100)
PY
"$work/venv/bin/python" "$work/count.py"
