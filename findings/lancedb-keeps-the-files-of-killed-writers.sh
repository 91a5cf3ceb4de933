#!/usr/bin/env bash
# LanceDB writes a data file under a hidden temporary name and renames it when it is complete. Where the
# writer is killed between, the temporary file stays, with rows in it, and neither the next write nor
# optimize(cleanup_older_than=0, delete_unverified=True), which deletes every version but the newest and files
# that no version needs, removes it. Rows that were to be erased can so outlive a table that holds them no more.
# Seen 2026-11-29 with lancedb 0.40.0 and Python 3.11: the file is there after the cleanup. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet lancedb==0.40.0 pyarrow==26.0.1
cat > "$work/write.py" <<'PY'
import sys

import lancedb
import pyarrow as pa

values = pa.array(range(4_000_000))
table = pa.table({"id": values, "vector": pa.FixedSizeListArray.from_arrays(pa.array([0.5] * 32_000_000, pa.float32()), 8)})
lancedb.connect(sys.argv[1]).open_table("people").add(table)
PY
cat > "$work/look.py" <<'PY'
import signal
import subprocess
import sys
import time
import warnings
from datetime import timedelta
from pathlib import Path

import lancedb
import pyarrow as pa

warnings.simplefilter("ignore")
database = Path(sys.argv[1], "db")
schema = pa.schema([("id", pa.int64()), ("vector", pa.list_(pa.float32(), 8))])
table = lancedb.connect(database).create_table("people", schema=schema)
data = database / "people.lance" / "data"


def unfinished():
    return [file for file in data.rglob("*") if file.name.startswith(".tmp") and file.stat().st_size] if data.is_dir() else []


with subprocess.Popen([sys.executable, f"{sys.argv[1]}/write.py", database]) as writer:
    while writer.poll() is None and not unfinished():
        time.sleep(0.001)
    writer.send_signal(signal.SIGKILL)
before = unfinished()
table = lancedb.connect(database).open_table("people")
table.add(pa.table({"id": [1], "vector": [[0.0] * 8]}, schema=schema))
table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
after = unfinished()
print(f"rows in the table: {table.count_rows()}; unfinished files after the kill: {len(before)}, after the cleanup: {len(after)}")
sys.exit(not (before and after == before))
PY
"$work/venv/bin/python" "$work/look.py" "$work" 2>/dev/null
