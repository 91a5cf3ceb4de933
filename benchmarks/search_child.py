"""Searches of one build for ``search_speed.py --base``, in a process of its own that imports this build.

    PYTHONPATH=CHECKOUT python -P benchmarks/search_child.py STORE QUERIES.npy

Opens the store as ``par serve`` does, and answers lines of JSON:
``{"kind": "nearest", "filter": F, "query": N}`` for the ids of the 20 nearest to a row of QUERIES, and
``{"kind": "whole", "filter": F, "text": T}`` for a whole question. Each answer is one line with milliseconds
by the clock, milliseconds of the processor (all threads), and ids. c23fcd2 has another text tower: it is told
to take the store for one of its own, so that its questions cost what they cost, and find others.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from par_core.config import load_config

IS_BASE = importlib.util.find_spec("par_core.query.asking") is not None  # c23fcd2
TOP = 20


class Asked:
    """A store that is open for questions.

    Args:
        root: Folder of the store.
        queries: Vectors to search by, (n, 256).
    """

    def __init__(self, root: Path, queries: np.ndarray) -> None:
        if IS_BASE:
            from par_core.query.asking import Question, Searcher

            from par_core.query import asking

            self.searcher: Any = Searcher(root, load_config())
            fingerprint = self.searcher.index().embedding_fingerprint
            asking.embedding_fingerprint = lambda _: fingerprint
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
    asked = Asked(Path(sys.argv[1]), np.load(sys.argv[2]))
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
