"""How many partitions the vector index needs as a table grows: cost of building, cost and recall of searches.

    python benchmarks/partitions.py --people 500000 1000000

For each number N of people, indexes with N / 1000 partitions, with the root of N and with half of it, on the
same vectors; each is searched with several numbers of partitions read. Recall is that of the 20 nearest of 20
pictures and 20 texts, without a filter. Time is that of the processor, of all threads.
"""

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
from crowd import SIZE, crowd, pictures, questions
from lancedb.index import IvfSq
from machine import provenance

from par_core.store.vector_index import POLICY

SEED = 0
TOP = 20
ROWS = 50_000  # written at a time
RESULTS = Path(__file__).parent / "results" / "partitions.json"


def measure(people: int, scratch: Path) -> list[dict[str, Any]]:
    """Measure every number of partitions on one crowd."""
    vectors = crowd(people, SEED).vectors
    queries = np.concatenate([pictures(20, SEED, people), questions()])
    truth = nearest_of_all(vectors, queries)
    schema = pa.schema([("row", pa.int64()), ("vector", pa.list_(pa.float32(), SIZE))])
    table = lancedb.connect(scratch / str(people)).create_table("people", schema=schema)
    for start in range(0, people, 5 * ROWS):
        part = vectors[start : start + 5 * ROWS]
        numbers = pa.array(np.arange(start, start + len(part)))
        lists = pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), SIZE)
        table.add(pa.table([numbers, lists], schema=schema))
    del vectors
    return [
        searched(table, people, partitions, queries, truth)
        for partitions in sorted({people // 1_000, math.isqrt(people), math.isqrt(people) // 2}, reverse=True)
    ]


def nearest_of_all(vectors: np.ndarray, queries: np.ndarray) -> list[set[int]]:
    """Rows of the 20 nearest of each query, all compared."""
    scores = np.concatenate([vectors[at : at + ROWS] @ queries.T for at in range(0, len(vectors), ROWS)])
    return [set(np.argpartition(-column, TOP)[:TOP].tolist()) for column in scores.T]


def searched(
    table: Any, people: int, partitions: int, queries: np.ndarray, truth: list[set[int]]
) -> dict[str, Any]:
    """Build one index and search it."""
    started = time.process_time()
    kind = IvfSq(distance_type="cosine", num_partitions=partitions, max_iterations=8, sample_rate=48)
    table.create_index("vector", config=kind, name="vectors")
    row: dict[str, Any] = {
        "people": people,
        "partitions": partitions,
        "build_s": time.process_time() - started,
    }
    row["build_us_a_person"] = row["build_s"] / people * 1e6
    row["searches"] = []
    candidates = 1 + math.ceil(POLICY.spare / TOP)
    for read in (15, 30, 42, 60):
        times, shares = [], []
        for query, best in zip(queries, truth, strict=True):
            begun = time.process_time()
            search = table.search(query, vector_column_name="vector").distance_type("cosine")
            hits = search.nprobes(read).refine_factor(candidates).limit(TOP).select(["row", "_distance"])
            found = hits.to_arrow()["row"].to_pylist()
            times.append(1_000 * (time.process_time() - begun))
            shares.append(len(best & set(found)) / TOP)
        row["searches"].append(
            {
                "partitions_read": read,
                "cpu_ms": median(times),
                "recall_of_pictures": float(np.mean(shares[:20])),
                "recall_of_texts": float(np.mean(shares[20:])),
            }
        )
    print(json.dumps(row), flush=True)
    table.drop_index("vectors")
    return row


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, nargs="+", default=[500_000, 1_000_000])
    parser.add_argument("--scratch", type=Path, help="folder for the tables, 1 kB a person")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    about, rows = provenance(SEED), []
    for people in options.people:
        scratch = Path(tempfile.mkdtemp(prefix="par-partitions-", dir=options.scratch))
        try:
            rows += measure(people, scratch)
        finally:
            shutil.rmtree(scratch)
    options.out.write_text(json.dumps({"part": "partitions", **about, "indexes": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
