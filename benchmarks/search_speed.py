"""Measure the time and the recall of a search. Prints a table and writes one JSON.

    python benchmarks/search_speed.py  # 10,000, 100,000, 1,000,000 people: about 10 minutes on two cores
    python benchmarks/search_speed.py --rows 10000 --rows 100000

For every number of people (crowd.py: synthetic, about as near to one another as real ones), without and with
filters that leave 45 %, 4.5 % and 0.5 %, one question after another and every contestant in turn for each:

  index        PeopleIndex.search, top 20, all columns, with the indexes that PAR makes by itself
  exact        the same, every row compared, without the vector index
  numpy        the matrix product of all vectors and argpartition; the filter as a mask. Vectors only
  faiss flat   the same by faiss. Vectors only
  faiss ivf    faiss, IVF with 8-bit numbers, as many partitions, as many of them read. Vectors only
  whole query  a text to hits, by Searcher, models loaded: the time that a user waits

A recall is the share of the 20 truly nearest (by numpy, of the people within the filter) among the hits. All
people but 2 % have their file: every search of PAR leaves these out as well, so "everybody" is a filter too.
Two threads for all.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")

import faiss
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parent))
from crowd import (
    FIRST_DAY,
    NAMES,
    SIZE,
    TEXTS,
    Crowd,
    crowd,
    ids_of,
    neighbourhood,
    pictures,
    questions,
    rows,
)
from machine import provenance

from par_core.config import load_config
from par_core.models.fingerprints import embedding_fingerprint
from par_core.query.from_store import Question, Searcher
from par_core.query.where_sql import compile_where
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store
from par_core.store.schemas import index_schema
from par_core.store.vector_index import POLICY, IndexPolicy

SEED = 0
TOP = 20
PICTURES = 20  # and as many texts
EXACT_QUESTIONS = 10  # of them, for the slow one
DAY = f"{FIRST_DAY:%Y-%m}-17"
FILTERS = {
    "everybody": None,
    "45 %": "female",
    "4.5 %": "female and upper_color = 'red'",
    "0.5 %": f"captured_at = {DAY}",
}
Ask = Callable[[np.ndarray], Sequence[int]]
EVERY_ROW = IndexPolicy(exact_up_to=sys.maxsize)


def allowed_by(people: Crowd) -> dict[str, np.ndarray]:
    """Masks of the people that each filter leaves, without PAR."""
    female, red, day = (
        people.attributes[:, NAMES.index("female")] >= 0.5,
        people.colours == "red",
        people.days == int(DAY[-2:]) - 1,
    )
    return {
        name: people.present & kept
        for name, kept in zip(FILTERS, (True, female, female & red, day), strict=True)
    }


def fill(root: Path, people: Crowd) -> dict[str, float]:
    """Make a store whose index holds the people; return its cost."""
    store, config = Store.create(root), load_config()
    info = IndexInfo(
        "s", "d", embedding_fingerprint(config), config.profile, tuple(NAMES), (0.5,) * len(NAMES)
    )
    started = time.monotonic()
    index = PeopleIndex.create(store.index_path, index_schema(NAMES, SIZE), info)
    for part in rows(people):
        index.add(part)
    written, cpu = time.monotonic(), time.process_time()
    index.optimize()
    size = sum(path.stat().st_size for path in store.index_path.rglob("*") if path.is_file())
    state = index.vector_index()
    return {
        "write_s": written - started,
        "optimise_s": time.monotonic() - written,
        "optimise_cpu_s": time.process_time() - cpu,
        "disk_mb": size / 1e6,
        "partitions": (state.partitions or 0) if state else 0,
    }


def faiss_ivf(vectors: np.ndarray) -> Any:
    """The index of faiss that is nearest to PAR's."""
    parts = max(len(vectors) // POLICY.rows_a_partition, 1)
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(SIZE), SIZE, parts, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter = 8
    index.train(
        vectors[
            np.random.default_rng(SEED).choice(len(vectors), min(48 * parts, len(vectors)), replace=False)
        ]
    )
    index.add(vectors)
    index.nprobe = min(POLICY.partitions_read, parts)
    return index


def by_numpy(vectors: np.ndarray, allowed: np.ndarray, query: np.ndarray) -> Sequence[int]:
    """Rows of the truly nearest people."""
    scores = vectors @ query
    scores[~allowed] = -np.inf
    best = np.argpartition(-scores, TOP)[:TOP]
    return [int(i) for i in best if allowed[i]]


def timed(ask: Ask, query: np.ndarray) -> tuple[float, set[int]]:
    """Milliseconds of a search, and its rows."""
    started = time.perf_counter()
    hits = ask(query)
    return 1_000 * (time.perf_counter() - started), set(hits)


def summary(times: list[float], recalls: list[float] | None = None) -> dict[str, float]:
    """Percentiles of milliseconds, and the mean of recalls."""
    figures = {
        "p50_ms": median(times),
        "p99_ms": float(np.quantile(times, 0.99)),
        "min_ms": min(times),
        "questions": len(times),
    }
    return {
        name: round(value, 3)
        for name, value in (figures | ({"recall": float(np.mean(recalls))} if recalls else {})).items()
    }


def measure(n: int, scratch: Path, rounds: int) -> dict[str, Any]:
    """Measure all contestants on n people."""
    people = crowd(n, SEED)
    queries = np.concatenate([pictures(PICTURES, SEED, n), questions()[:PICTURES]])
    made = fill(scratch / "store", people)
    path, row_of = Store.open(scratch / "store").index_path, ids_of(people)
    index, exact = PeopleIndex.open(path), PeopleIndex.open(path, policy=EVERY_ROW)
    assert index is not None
    assert exact is not None
    flat, ivf = faiss.IndexFlatIP(SIZE), faiss_ivf(people.vectors)
    flat.add(people.vectors)
    cold = timed(lambda query: _rows(index, query, None, row_of), queries[0])[0]
    results: dict[str, Any] = {}
    for name, allowed in allowed_by(people).items():
        every, few = contestants(people, allowed, FILTERS[name], (index, exact), (flat, ivf), row_of)
        results[name] = {
            "people": int(allowed.sum()),
            **compare(queries, people.vectors, allowed, every, few, rounds),
        }
    whole = _whole_queries(scratch / "store", rounds)
    for name in FILTERS:
        results[name]["whole query"] = whole[name]
    return {
        "people": n,
        "made": {key: round(value, 2) for key, value in made.items()},
        "first_search_ms": round(cold, 1),
        "near_a_picture": neighbourhood(people.vectors, queries[:PICTURES]),
        "near_a_text": neighbourhood(people.vectors, queries[PICTURES:]),
        "memory_gb": round(psutil.Process().memory_info().rss / 1e9, 2),
        "results": results,
    }


def contestants(
    people: Crowd,
    allowed: np.ndarray,
    filter_: str | None,
    tables: tuple[PeopleIndex, PeopleIndex],
    rivals: tuple[Any, Any],
    row_of: dict[str, int],
) -> tuple[dict[str, Ask], dict[str, Ask]]:
    """The contestants that answer every question, and those that are too slow for more than some."""
    index, exact = tables
    flat, ivf = rivals
    where = "(source_state = 'present')" + (
        f" AND {compile_where(filter_, index.columns, index.thresholds)}" if filter_ else ""
    )
    chosen = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    plain, probing = (
        faiss.SearchParameters(sel=chosen),
        faiss.SearchParametersIVF(sel=chosen, nprobe=ivf.nprobe),
    )
    every: dict[str, Ask] = {
        "index": lambda query: _rows(index, query, where, row_of),
        "numpy": lambda query: by_numpy(people.vectors, allowed, query),
        "faiss flat": lambda query: flat.search(query[None], TOP, params=plain)[1][0],
        "faiss ivf": lambda query: ivf.search(query[None], TOP, params=probing)[1][0],
    }
    return every, {"exact": lambda query: _rows(exact, query, where, row_of)}


def compare(
    queries: np.ndarray,
    vectors: np.ndarray,
    allowed: np.ndarray,
    every: dict[str, Ask],
    few: dict[str, Ask],
    rounds: int,
) -> dict[str, Any]:
    """All contestants, in turn, on each question; the index also in the rounds after the first."""
    times: dict[str, list[float]] = {}
    recalls: dict[str, list[float]] = {}
    for turn in range(rounds):
        for number, query in enumerate(queries):
            now = (
                {"index": every["index"]}
                if turn
                else every | (few if number % (len(queries) // EXACT_QUESTIONS) == 0 else {})
            )
            truth = set(by_numpy(vectors, allowed, query))
            for name, ask in now.items():
                took, hits = timed(ask, query)
                times.setdefault(name, []).append(took)
                recalls.setdefault(name, []).append(len(hits & truth) / len(truth))
    figures = {name: summary(times[name], recalls[name]) for name in times}
    figures["index"]["recall_of_texts"] = round(
        float(
            np.mean(
                [recalls["index"][i] for i in range(len(recalls["index"])) if i % len(queries) >= PICTURES]
            )
        ),
        3,
    )
    return figures


def _rows(index: PeopleIndex, query: np.ndarray, where: str | None, row_of: dict[str, int]) -> list[int]:
    return [
        row_of[identity] for identity in index.search(query, where=where, top=TOP)["person_id"].to_pylist()
    ]


def _whole_queries(root: Path, rounds: int) -> dict[str, dict[str, float]]:
    searcher = Searcher(root, load_config())
    searcher.warm()
    searcher.ask(Question(text=TEXTS[0], where=FILTERS["45 %"]))
    times_by_filter = {}
    for name, filter_ in FILTERS.items():
        times = []
        for _ in range(rounds):
            for text in TEXTS:
                started = time.perf_counter()
                searcher.ask(Question(text=text, where=filter_, top=TOP))
                times.append(1_000 * (time.perf_counter() - started))
        times_by_filter[name] = summary(times)
    return times_by_filter


def table(result: dict[str, Any]) -> str:
    """The result as a table of text."""
    made = result["made"]
    lines = [
        (
            f"{result['people']:,} people; written in {made['write_s']:.0f} s, optimised and indexed in"
            f" {made['optimise_s']:.0f} s ({made['optimise_cpu_s']:.0f} CPU-s), {made['disk_mb']:,.0f} MB;"
            f" first search {result['first_search_ms']:.0f} ms"
        ),
        f"{'filter':11}{'':14}{'p50 ms':>9}{'p99 ms':>9}{'recall@20':>11}",
    ]
    for name, by_contestant in result["results"].items():
        for contestant, figures in by_contestant.items():
            if contestant != "people":
                recall = f"{figures['recall']:11.3f}" if "recall" in figures else ""
                lines.append(
                    f"{name:11}{contestant:14}{figures['p50_ms']:9.2f}{figures['p99_ms']:9.2f}{recall}"
                )
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows",
        type=int,
        action="append",
        help="people; may be given several times (default: 10000, 100000, 1000000)",
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often every question is asked of the index (default: 3)"
    )
    parser.add_argument(
        "--scratch",
        type=Path,
        help="folder for the stores, 4 GB for a million people (default: the system's)",
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench/search_speed.json"))
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(2)
    about, sizes = provenance(SEED), []
    about["versions"]["faiss"] = faiss.__version__
    for n in arguments.rows or (10_000, 100_000, 1_000_000):
        scratch = Path(tempfile.mkdtemp(prefix="par-speed-", dir=arguments.scratch))
        try:
            sizes.append(measure(n, scratch, arguments.rounds))
        finally:
            shutil.rmtree(scratch)
        print(table(sizes[-1]), flush=True)
    load = {"load_before": about["machine"]["load_before"], "load_after": os.getloadavg()[0]}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(
        json.dumps(
            {"part": "search_speed", **about, "machine": {**about["machine"], **load}, "sizes": sizes},
            indent=1,
        )
        + "\n"
    )
    print(arguments.out)


if __name__ == "__main__":
    main()
