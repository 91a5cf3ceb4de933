#!/usr/bin/env bash
# A Parquet file whose Arrow schema says fixed_size_list<float>[4] is read by DuckDB as FLOAT[], a list of any length, so
# that array_cosine_similarity refuses it; polars and pyarrow read the same file with the length. vector::FLOAT[4] in the
# query gives it back. DuckDB's own FLOAT[4] column, written to Parquet by DuckDB, comes back as FLOAT[] too.
# Seen 2026-11-30 with duckdb 2.0.1, pyarrow 26.0.1, polars 2.1.0, Python 3.11, Linux. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0
cat > "$work/ask.py" <<'PY'
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq

work = Path(sys.argv[1])
vectors = pa.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]], pa.list_(pa.float32(), 4))
pq.write_table(pa.table({"vector": vectors}), work / "theirs.parquet")
duckdb.execute(f"COPY (SELECT [1, 2, 3, 4]::FLOAT[4] AS vector) TO '{work / 'own.parquet'}'")


def kind(file: str) -> str:
    return duckdb.execute("SELECT typeof(vector) FROM read_parquet(?)", [str(work / file)]).fetchone()[0]


def similarity(vector: str) -> object:
    query = f"SELECT array_cosine_similarity({vector}, {vector}) FROM read_parquet(?)"
    try:
        return duckdb.execute(query, [str(work / "theirs.parquet")]).fetchone()[0]
    except duckdb.BinderException as error:
        return str(error).splitlines()[0]


seen = pq.read_schema(work / "theirs.parquet").field("vector").type, polars.read_parquet_schema(work / "theirs.parquet")["vector"]
print("pyarrow and polars:", *seen)
print("duckdb:", kind("theirs.parquet"), "and of its own file:", kind("own.parquet"))
print("as it is:", similarity("vector"))
print("with a cast:", similarity("vector::FLOAT[4]"))
lost = kind("theirs.parquet") == kind("own.parquet") == "FLOAT[]"
sys.exit(not (lost and "Binder" in str(similarity("vector")) and similarity("vector::FLOAT[4]") == 1.0))
PY
"$work/venv/bin/python" "$work/ask.py" "$work"
