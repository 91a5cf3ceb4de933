"""Searches of one build for ``search_speed.py --base``, in a process of its own that imports this build.

    PYTHONPATH=CHECKOUT python -P benchmarks/search_child.py STORE PEOPLE QUERIES.npy

Makes the store where it is missing (``crowd.py``), opens it as ``par serve`` does, and answers lines of JSON:
``{"kind": "nearest", "filter": F, "query": N}`` for the ids of the 20 nearest to a row of QUERIES, and
``{"kind": "whole", "filter": F, "text": T}`` for a whole question. Each answer is one line with milliseconds
by the clock, milliseconds of the processor (all threads), and ids.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import par_core
from par_core.config import load_config
from par_core.models.profiles import embedding_fingerprint
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store
from par_core.store.schemas import index_schema

IS_BASE = importlib.util.find_spec("par_core.query.asking") is not None  # c23fcd2
TOP = 20


def fill(root: Path, people: int) -> None:
    """Make a store whose index holds a crowd, by the build's own files."""
    sys.path.insert(0, str(Path(par_core.__file__).parents[1] / "benchmarks"))
    from crowd import NAMES, SIZE, crowd, rows

    store, config = Store.create(root), load_config()
    info = IndexInfo(
        "s", "d", embedding_fingerprint(config), config.profile, tuple(NAMES), (0.5,) * len(NAMES)
    )
    index: Any = PeopleIndex.create(store.index_path, index_schema(NAMES, SIZE), info)
    for part in rows(crowd(people, 0)):
        (index.upsert if IS_BASE else index.add)(part)
    index.optimize()


class Asked:
    """A store that is open for questions.

    Args:
        root: Folder of the store.
        queries: Vectors to search by, (n, 256).
    """

    def __init__(self, root: Path, queries: np.ndarray) -> None:
        if IS_BASE:
            from par_core.query.asking import Question, Searcher

            self.searcher: Any = Searcher(root, load_config())
        else:
            from par_core.query.from_store import Question, Searcher

            self.searcher = Searcher(root, load_config(), resident=True)
        self.queries, self._question = queries, Question
        self.searcher.warm()
        if not IS_BASE:
            self.searcher.wait_until_read()

    def nearest(self, filter_: str | None, query: int) -> list[str]:
        """Ids of the 20 nearest."""
        index = self.searcher.index()
        vector = self.queries[query]
        if IS_BASE:
            from par_core.query.where_sql import compile_where

            where = "(source_state = 'present')"
            where += f" AND {compile_where(filter_, index.columns, index.thresholds)}" if filter_ else ""
            found = index.search(vector, where=where, top=TOP, columns=["person_id"])
            return list(found["person_id"].to_pylist())
        from par_core.query.conditions import allowed_in_memory, condition_of, filter_of

        sql = condition_of(index, filter_)
        allowed = allowed_in_memory(index, index.resident, filter_of(filter_), sql)
        assert allowed is not None
        positions, _ = index.resident.nearest(vector, allowed, TOP)
        return list(index.resident.columns["person_id"].take(positions).to_pylist())

    def whole(self, filter_: str | None, text: str) -> list[str]:
        """Ids of the hits of a question."""
        result = self.searcher.ask(self._question(text=text, where=filter_, top=TOP, weak=True))
        return [hit.person_id for hit in result.hits]


def main() -> None:
    """Answer lines until there are no more."""
    root, people, queries = Path(sys.argv[1]), int(sys.argv[2]), np.load(sys.argv[3])
    if not (root / "store.json").exists():
        fill(root, people)
    asked = Asked(root, queries)
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        kind = request.pop("kind")
        ask = asked.nearest if kind == "nearest" else asked.whole
        started, cpu = time.perf_counter(), time.process_time()
        ids = ask(request.pop("filter"), *request.values())
        took = {
            "ms": 1_000 * (time.perf_counter() - started),
            "cpu_ms": 1_000 * (time.process_time() - cpu),
        }
        print(json.dumps(took | {"ids": ids}), flush=True)


if __name__ == "__main__":
    main()
