"""Compare the kinds of vector index: builds each of LanceDB's on the same vectors and asks them the same
questions, in turn. Behind docs/decisions/0009.

    python benchmarks/index_kinds.py --people 1000000
    python benchmarks/index_kinds.py --people 1000000 --like build/store-ccp build/store-mit

With ``--like`` the people lie around those of real stores. For every kind: seconds and megabytes of the
index; for questions by picture and by text, without a filter and with one that leaves 4.5 %, the processor's
milliseconds for the 20 nearest ids and their recall. Then the cost of reading 20 rows, by column and by card,
and of a filter on an attribute, by tree and by bitmap.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import Bitmap, BTree, HnswSq, IvfPq, IvfRq, IvfSq

sys.path.insert(0, str(Path(__file__).parent))
from crowd import NAMES, SIZE, Crowd, crowd, ids_of, neighbourhood, pictures, questions, resampled, rows
from machine import provenance

from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.packed_columns import CARD, card_columns, shortcut_fields, with_shortcuts
from par_core.store.schemas import index_schema

SEED = 0
TOP = 20
TRAINING = {"distance_type": "cosine", "max_iterations": 8, "sample_rate": 48}
RARE = "(`seen_female`) AND (`upper_color` = 'red')"


def kinds(n: int) -> dict[str, tuple[Any, tuple[tuple[int, int], ...]]]:
    """Each index, and the (partitions read, candidates for each row wanted) to ask it with."""
    parts = max(n // 1_000, 1)
    graphs = max(n // 125_000, 1)
    return {
        "IVF_SQ": (IvfSq(num_partitions=parts, **TRAINING), ((30, 3), (60, 3))),
        "IVF_PQ, 64 bytes": (
            IvfPq(num_partitions=parts, num_sub_vectors=64, **TRAINING),
            ((60, 5), (60, 10)),
        ),
        "IVF_PQ, 32 bytes": (
            IvfPq(num_partitions=parts, num_sub_vectors=32, **TRAINING),
            ((60, 10), (60, 20)),
        ),
        "IVF_RQ": (IvfRq(num_partitions=parts, **TRAINING), ((60, 10), (60, 20))),
        "IVF_HNSW_SQ": (
            HnswSq(num_partitions=graphs, m=16, ef_construction=100, **TRAINING),
            ((graphs, 1), (graphs, 5)),
        ),
    }


def clocked(ask: Callable[[], Any]) -> tuple[float, Any]:
    """The processor's milliseconds, of all threads: a busy machine disturbs them less than the clock on the
    wall.
    """
    started = time.process_time()
    result = ask()
    return 1_000 * (time.process_time() - started), result


def nearest(table: Any, query: np.ndarray, where: str | None, reading: tuple[int, int]) -> list[str]:
    """Ids of the 20 nearest."""
    search = (
        table.search(query, vector_column_name="vector")
        .distance_type("cosine")
        .nprobes(reading[0])
        .refine_factor(reading[1])
    )
    search = search.where(where, prefilter=True) if where else search
    ids: list[str] = search.limit(TOP).select(["person_id", "_distance"]).to_arrow()["person_id"].to_pylist()
    return ids


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument(
        "--like",
        type=Path,
        nargs="+",
        default=[],
        help="stores of the compact profile, around whose people the vectors are drawn",
    )
    parser.add_argument(
        "--scratch",
        type=Path,
        help="folder for the tables, 2 GB for a million people (default: the system's)",
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench/index_kinds.json"))
    arguments = parser.parse_args()
    about, scratch = provenance(SEED), Path(tempfile.mkdtemp(prefix="par-kinds-", dir=arguments.scratch))
    people = crowd(arguments.people, SEED)
    by_picture = pictures(20, SEED, arguments.people)
    if arguments.like:
        drawn = resampled(
            np.concatenate([_vectors(root) for root in arguments.like]), arguments.people + 20, SEED
        )
        people, by_picture = replace(people, vectors=drawn[:-20]), drawn[-20:]
    try:
        figures = measure(people, by_picture, scratch)
    finally:
        shutil.rmtree(scratch)
    print(json.dumps(figures, indent=1))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(
        json.dumps(
            {"part": "index_kinds", **about, "like": [root.name for root in arguments.like], **figures},
            indent=1,
        )
        + "\n"
    )


def _vectors(root: Path) -> np.ndarray:
    index = PeopleIndex.open(Store.open(root).index_path)
    assert index is not None, f"{root} holds no people"
    return np.array(
        [vector for batch in index.scan(["vector"]) for vector in batch["vector"].to_pylist()], np.float32
    )


def measure(people: Crowd, by_picture: np.ndarray, scratch: Path) -> dict[str, Any]:
    """Measure all kinds on one crowd."""
    thresholds = dict.fromkeys(NAMES, 0.5)
    schema = index_schema(NAMES, SIZE)
    full = pa.schema([*schema, *shortcut_fields(schema, NAMES)])
    batches = (batch for part in rows(people) for batch in with_shortcuts(part, thresholds).to_batches())
    table = lancedb.connect(scratch).create_table(
        "people", data=pa.RecordBatchReader.from_batches(full, batches), schema=full
    )
    for column, kind in {"upper_color": Bitmap(), "seen_female": Bitmap(), "female": BTree()}.items():
        table.create_index(column, config=kind)
    by_text = questions()
    queries = np.concatenate([by_picture, by_text])
    rare = (people.attributes[:, NAMES.index("female")] >= 0.5) & (people.colours == "red")
    allowed = {"everybody": (None, np.ones(len(people), bool)), "4.5 %": (RARE, rare)}
    truth = {
        name: [_best(people.vectors, kept, query) for query in queries] for name, (_, kept) in allowed.items()
    }
    row_of, figures = ids_of(people), {}
    for name, (kind, readings) in kinds(len(people)).items():
        started, cpu, before = time.monotonic(), time.process_time(), _megabytes(scratch)
        table.create_index("vector", config=kind, name="vectors")
        figures[name] = {
            "build_s": time.monotonic() - started,
            "build_cpu_s": time.process_time() - cpu,
            "mb": _megabytes(scratch) - before,
        }
        for filter_, (where, _) in allowed.items():
            for reading in readings:
                answers = [
                    clocked(lambda q=query, w=where, r=reading: nearest(table, q, w, r)) for query in queries
                ]
                shares = [
                    len({row_of[i] for i in ids} & best) / TOP
                    for (_, ids), best in zip(answers, truth[filter_], strict=True)
                ]
                figures[name][f"{filter_}, {reading[0]} partitions, {reading[1]} candidates"] = {
                    "cpu_ms": median(took for took, _ in answers),
                    "recall_of_pictures": float(np.mean(shares[:20])),
                    "recall_of_texts": float(np.mean(shares[20:])),
                }
        print(name, json.dumps(figures[name]), flush=True)
        table.drop_index("vectors")
    return {
        "people": len(people),
        "near_a_picture": neighbourhood(people.vectors, by_picture),
        "near_a_text": neighbourhood(people.vectors, by_text),
        "kinds": figures,
        "reading": _reading(table, schema, len(people)),
    }


def _reading(table: Any, schema: pa.Schema, n: int) -> dict[str, float]:
    """Milliseconds of the processor to read 20 rows anywhere, and to count those that a filter leaves."""
    rng = np.random.default_rng(SEED)
    places = [sorted(rng.choice(n, TOP, replace=False).tolist()) for _ in range(40)]
    read = {"20 rows, column by column": sorted(card_columns(schema)), "20 rows, by card": list(CARD)}
    times = {
        name: median(
            clocked(lambda p=place, c=columns: table.take_offsets(p).select(c).to_arrow())[0]
            for place in places
        )
        for name, columns in read.items()
    }
    filters = {
        "45 % of the people, by a tree": "(`female` >= 0.5)",
        "45 % of the people, by a bitmap": "(`seen_female`)",
    }
    return times | {
        name: median(clocked(lambda w=where: table.count_rows(w))[0] for _ in range(20))
        for name, where in filters.items()
    }


def _best(vectors: np.ndarray, allowed: np.ndarray, query: np.ndarray) -> set[int]:
    scores = np.where(allowed, vectors @ query, -np.inf)
    return {int(i) for i in np.argpartition(-scores, TOP)[:TOP]}


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
