"""Searches beside those of commit c23fcd2 and of other engines, question by question: A B A B in one run.

    python benchmarks/search_beside.py                    # a million people; makes a store of 3.5 GB
    python benchmarks/search_beside.py --people 20000     # a rehearsal

  nearest  ids of the 20 nearest to a vector, under the four filters of ``search_speed.py``, with the recall
  whole    a text to hits with everything that is shown of them; every text is a new one

Both builds answer in processes of their own (``search_child.py``) over one store, which this build makes.
Peers get the vectors alone, in this process: numpy, faiss (flat and IVF), usearch (all vectors; up to 200,000
people also HNSW, which takes a million too long to build here) and DuckDB, which has the columns of the
filters too. usearch has no filters in Python: it finds twice as many, and those whom the filter leaves count.
One thread for each of them. Milliseconds are given by the clock and of the processor. usearch and DuckDB are
no part of PAR's environment, and left out where they are missing:

    pip install --target build/peers --requirement benchmarks/peers.txt
    python benchmarks/search_beside.py --peers build/peers
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import faiss
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from crowd import SIZE, TEXTS, crowd, ids_of, pictures
from crowd import questions as text_vectors_of_crowd
from machine import provenance
from scale import BASE, Build, base_build
from search_speed import DAY, FILTERS, SEED, TOP, allowed_by, by_numpy, faiss_ivf, fill
from serving import questions

HERE: Final = Path(__file__).resolve().parent
HNSW_UP_TO: Final = 200_000  # people


class Child:
    """A build that answers questions."""

    def __init__(self, build: Build, store: Path, queries: Path) -> None:
        command = [sys.executable, "-P", str(HERE / "search_child.py"), str(store), str(queries)]
        self._process = subprocess.Popen(
            command, env=build.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        while self._line().strip() != "ready":
            pass

    def ask(self, **request: Any) -> dict[str, Any]:
        """Return milliseconds and ids."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a build ended before its answer")
        return line


def summary(answers: list[dict[str, Any]]) -> dict[str, float]:
    """Percentiles of the milliseconds of some answers, and their mean recall where it is known."""
    figures = {
        f"{name}_{kind}": float(np.quantile([answer[kind] for answer in answers], share))
        for kind in ("ms", "cpu_ms")
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    figures["n"] = len(answers)
    if "recall" in answers[0]:
        figures["recall"] = float(np.mean([answer["recall"] for answer in answers]))
    return {name: round(value, 4) for name, value in figures.items()}


def ratios(new: dict[str, float], base: dict[str, float]) -> dict[str, float]:
    """New over base."""
    return {name: round(new[name] / base[name], 3) for name in new if name.startswith("p")}


def nearest_beside(children: dict[str, Child], people: Any, queries: np.ndarray) -> dict[str, Any]:
    """The nearest, by both builds in turn; recall of each."""
    row_of, results = ids_of(people), {}
    for name, allowed in allowed_by(people).items():
        answers: dict[str, list[dict[str, Any]]] = {build: [] for build in children}
        for number, query in enumerate(queries):
            truth = set(by_numpy(people.vectors, allowed, query))
            for build, child in children.items():
                answer = child.ask(kind="nearest", filter=FILTERS[name], query=number)
                answer["recall"] = len(truth & {row_of[one] for one in answer["ids"]}) / len(truth)
                answers[build].append(answer)
        figures = {build: summary(answers[build][3:]) for build in children}  # the first ones warm
        results[name] = {**figures, "new/base": ratios(figures["new"], figures["base"])}
        print(f"nearest {name:10}", json.dumps(results[name]), flush=True)
    return results


def whole_beside(children: dict[str, Child], asked: int) -> dict[str, Any]:
    """Whole questions, by both builds in turn; no text is asked twice."""
    texts, results = iter(questions(SEED)), {}
    for name, filter_ in FILTERS.items():
        answers: dict[str, list[dict[str, Any]]] = {build: [] for build in children}
        for number in range(asked + 3):
            plain = name == "everybody" and number >= asked - 2
            text = TEXTS[number % len(TEXTS)] if plain else next(texts)
            for build, child in children.items():
                answers[build].append(child.ask(kind="whole", filter=filter_, text=text))
        figures = {build: summary(answers[build][3:]) for build in children}
        results[name] = {**figures, "new/base": ratios(figures["new"], figures["base"])}
        print(f"whole   {name:10}", json.dumps(results[name]), flush=True)
    return results


def peers(people: Any, queries: np.ndarray) -> dict[str, Any]:
    """Other engines on the same vectors and filters."""
    flat, ivf = faiss.IndexFlatIP(SIZE), faiss_ivf(people.vectors)
    flat.add(people.vectors)
    faiss.omp_set_num_threads(1)
    results: dict[str, Any] = {}
    duck, used = _duckdb(people), _usearch(people.vectors)
    for name, allowed in allowed_by(people).items():
        chosen = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        plain = faiss.SearchParameters(sel=chosen)
        probing = faiss.SearchParametersIVF(sel=chosen, nprobe=ivf.nprobe)
        engines: dict[str, Callable[[np.ndarray], Any]] = {
            "numpy": lambda q, a=allowed: by_numpy(people.vectors, a, q),
            "faiss flat": lambda q, p=plain: flat.search(q[None], TOP, params=p)[1][0],
            "faiss ivf": lambda q, p=probing: ivf.search(q[None], TOP, params=p)[1][0],
        }
        if duck is not None:
            engines["duckdb"] = lambda q, f=name: duck(q, f)
        if name == "everybody":
            engines |= {
                kind: lambda q, ask=ask, a=allowed: [row for row in ask(q) if a[row]][:TOP]
                for kind, ask in used.items()
            }
        answers: dict[str, list[dict[str, Any]]] = {engine: [] for engine in engines}
        for query in queries[::4]:
            truth = set(by_numpy(people.vectors, allowed, query))
            for engine, ask in engines.items():
                started, cpu = time.perf_counter(), time.process_time()
                rows = {int(row) for row in ask(query)}
                answers[engine].append(
                    {
                        "ms": 1_000 * (time.perf_counter() - started),
                        "cpu_ms": 1_000 * (time.process_time() - cpu),
                        "recall": len(rows & truth) / len(truth),
                    }
                )
        results[name] = {engine: summary(answers[engine]) for engine in engines}
        print(f"peers   {name:10}", json.dumps(results[name]), flush=True)
    return results


def _usearch(vectors: np.ndarray) -> dict[str, Callable[[np.ndarray], list[int]]]:
    """Searches for twice the wanted number by usearch; none where it is not installed."""
    try:
        from usearch.index import Index, MetricKind, search
    except ModuleNotFoundError:
        return {}

    def every(query: np.ndarray) -> list[int]:
        found = search(vectors, query, 2 * TOP, MetricKind.IP, exact=True, threads=1)
        return [int(row) for row in found.keys]

    if len(vectors) > HNSW_UP_TO:
        return {"usearch exact": every}
    graph = Index(ndim=SIZE, metric=MetricKind.IP, dtype="f16")
    graph.add(np.arange(len(vectors)), vectors)

    def near(query: np.ndarray) -> list[int]:
        return [int(row) for row in graph.search(query, 2 * TOP, threads=1).keys]

    return {"usearch exact": every, "usearch hnsw": near}


def _duckdb(people: Any) -> Callable[[np.ndarray, str], list[int]] | None:
    """A search by DuckDB in memory, or None where it is not installed."""
    try:
        import duckdb
    except ModuleNotFoundError:
        return None
    import pyarrow as pa
    from crowd import NAMES

    table = pa.table(
        {
            "row": np.arange(len(people)),
            "present": people.present,
            "female": people.attributes[:, NAMES.index("female")],
            "colour": people.colours,
            "day": people.days,
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(people.vectors.reshape(-1)), SIZE),
        }
    )
    database = duckdb.connect()
    database.execute("SET threads = 1")
    database.register("arrow", table)
    database.execute(f"CREATE TABLE people AS SELECT * REPLACE (vector::FLOAT[{SIZE}] AS vector) FROM arrow")
    database.unregister("arrow")
    conditions = {
        "everybody": "present",
        "45 %": "present AND female >= 0.5",
        "4.5 %": "present AND female >= 0.5 AND colour = 'red'",
        "0.5 %": f"present AND day = {int(DAY[-2:]) - 1}",
    }

    def search(query: np.ndarray, name: str) -> list[int]:
        found = database.execute(
            f"SELECT row FROM people WHERE {conditions[name]}"
            f" ORDER BY array_inner_product(vector, ?::FLOAT[{SIZE}]) DESC LIMIT {TOP}",
            [query.tolist()],
        )
        return [row for (row,) in found.fetchall()]

    return search


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=30, help="whole questions for each filter")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--peers", type=Path, help="folder of packages of peers.txt")
    parser.add_argument("--scratch", type=Path, default=Path("build/search"), help="folder of the stores")
    parser.add_argument("--base", type=Path, help=f"checkout of {BASE} (default: a worktree in the scratch)")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "search_beside.json")
    options = parser.parse_args()
    if options.peers:
        sys.path.append(str(options.peers))  # behind PAR's own packages
    options.scratch.mkdir(parents=True, exist_ok=True)
    scratch = options.scratch.resolve()
    about = provenance(SEED) | {"base": BASE, "people": options.people}
    checkout = options.base.resolve() if options.base else scratch / f"checkout-{BASE}"
    builds = {"base": base_build(checkout), "new": Build("new", HERE.parent, "flows.cli.main")}
    people = crowd(options.people, SEED)
    queries = np.concatenate([pictures(20, SEED, options.people), text_vectors_of_crowd()])
    np.save(scratch / "queries.npy", queries)
    store = scratch / f"new-{options.people}"
    if not store.exists():
        fill(store, people)
    marker = store / "store.json"  # the base reads format 1 only, and this table as it is
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"format": 1}))
    children = {name: Child(build, store, scratch / "queries.npy") for name, build in builds.items()}
    result = {
        "nearest": nearest_beside(children, people, queries),
        "whole": whole_beside(children, options.questions),
    }
    for child in children.values():
        child.close()
    if not options.without_peers:
        result["peers"] = peers(people, queries)
    about["machine"]["load_after"] = os.getloadavg()[0]
    options.out.write_text(json.dumps({"part": "search_beside", **about, **result}, indent=1) + "\n")
    print(options.out)


if __name__ == "__main__":
    main()
