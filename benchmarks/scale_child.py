"""One measurement of ``benchmarks/scale.py``, in a process of its own that imports one build.

    PYTHONPATH=CHECKOUT python -P benchmarks/scale_child.py commit STORE

Prints one JSON line: CPU seconds (all threads, and child processes), wall seconds and bytes read and written
through system calls (files that are mapped into memory are not in it) of the operation alone, and its
results. Whoever started the process has its peak memory.
"""

import argparse
import importlib.util
import inspect
import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from par_core.config import RunConfig, load_config
from par_core.models.fake import FakeDescriber
from par_core.store.layout import Store

__all__ = ["OPERATIONS", "Clock"]

IS_BASE = importlib.util.find_spec("par_core.stages.run") is None  # c23fcd2 has no such module
WORKERS = 2


class Clock:
    """Costs of the blocks that are measured, added up by name."""

    def __init__(self) -> None:
        self.costs: dict[str, dict[str, float]] = {}

    @contextmanager
    def __call__(self, name: str = "operation") -> Iterator[None]:
        """Measure what happens in the block."""
        before = _costs()
        yield
        cost = {key: value - before[key] for key, value in _costs().items()}
        total = self.costs.setdefault(name, dict.fromkeys(cost, 0.0))
        for key, value in cost.items():
            total[key] += value


def _costs() -> dict[str, float]:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    moved = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return {
        "cpu_s": sum(usage.ru_utime + usage.ru_stime for usage in usages),
        "wall_s": time.monotonic(),
        "read_bytes": float(moved["rchar"]),
        "written_bytes": float(moved["wchar"]),
    }


def _config() -> RunConfig:
    return load_config(profile="fake", machine={"workers": WORKERS})


def _commit(store: Store) -> Any:
    from par_core.stages.commit import commit_store

    return commit_store(store, _config()) if IS_BASE else commit_store(_run(store))


def _migrate(store: Store) -> None:
    """Give a store of release 0.1 the ids of this build, as the first plan does."""
    if not IS_BASE:
        from par_core.stages.migration import migrate_ids

        migrate_ids(store)


def _run(store: Store) -> Any:
    from par_core.stages.run import Run

    return Run.of(store, _config())


def _plan(store: Store, source: str) -> Any:
    from par_core.stages.plan import plan_index

    if IS_BASE:
        return plan_index(store, [source], _config(), workers=WORKERS)
    return plan_index(_run(store), [source], workers=WORKERS)


def _process(store: Store, shard_id: str) -> None:
    if not IS_BASE:
        from par_core.stages.process import process_shard

        process_shard(_run(store), shard_id)
        return
    from par_core.stages.describe import describe_shard
    from par_core.stages.segment import segment_shard

    segment_shard(store, shard_id, _config())
    describe_shard(store, shard_id, _config())


def start(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Nothing: what the process costs by itself, with all imports of a commit."""
    import par_core.stages.commit
    import par_core.stages.plan  # noqa: F401

    return {}


def first(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """The first commit of a store that has shards and nothing else."""
    import par_core.stages.commit  # noqa: F401

    with clock():
        _migrate(store)
        record = _commit(store)
    return {"rows": record.rows, "upserted": record.upserted}


def migration(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """First use of a store that release 0.1 has committed: its ledger, then its index."""
    from par_core.stages.status import store_status

    with clock("ledger"):
        report = store_status(store)
    with clock("index"):
        record = _commit(store)
    return {"listed": report.accounting.listed, "rows": record.rows, "upserted": record.upserted}


def commit(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Bring the index in line with the shards."""
    import par_core.stages.commit  # noqa: F401

    with clock():
        record = _commit(store)
    return {"rows": record.rows, "upserted": record.upserted, "number": record.number}


def rebuild(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Make the index again from Parquet."""
    from par_core.stages.commit import rebuild_index

    with clock():
        record, _ = rebuild_index(store)
    return {"rows": record.rows}


def night(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Plan, process and commit a folder of new pictures; the models' work is measured apart."""
    import par_core.stages.commit  # noqa: F401

    _widen_describer(store)
    with clock("plan"):
        plan = _plan(store, source)
    with clock("models"):
        for shard in plan.shards:
            _process(store, shard.shard_id)
    with clock("commit"):
        record = _commit(store)
    return {"new": plan.new, "shards": len(plan.shards), "rows": record.rows, "upserted": record.upserted}


def replan(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Plan the unchanged archive. ``list_source`` is replaced by one that returns the stored listing, made
    before the clock starts: the files do not exist.
    """
    import par_core.stages.plan as planning

    listing = _stored_listing(store)
    planning.list_source = lambda source, **_: listing  # type: ignore[assignment]
    with clock():
        plan = _plan(store, listing.source)
    return {"listed": plan.listed, "unchanged": plan.unchanged, "new": plan.new}


def status(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Count what the store holds, as the page does."""
    module = importlib.import_module(f"par_core.stages.{'check' if IS_BASE else 'status'}")
    with clock():
        report = module.store_status(store)
    counted = report.conservation if IS_BASE else report.accounting
    return {"listed": counted.listed, "rows": report.rows, "pending": counted.pending}


def verify(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Verify; in a build that knows two kinds, the quick one."""
    from par_core.stages.check import verify_store

    with clock():
        report = verify_store(store)
    return {"rows": report.rows, "problems": len(report.problems), "first": list(report.problems[:1])}


def verify_thorough(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Verify every row, as the only kind of a build that knows one does."""
    from par_core.stages.check import verify_store

    options = {"thorough": True} if "thorough" in inspect.signature(verify_store).parameters else {}
    with clock():
        report = verify_store(store, **options)
    return {"rows": report.rows, "problems": len(report.problems), "first": list(report.problems[:1])}


def forget_person(store: Store, clock: Clock, source: str) -> dict[str, Any]:
    """Erase the person with the lowest id of the index."""
    from par_core.forget import Request, find_subject
    from par_core.store.lance import PeopleIndex

    forgetting = importlib.import_module(f"par_core.forget.{'run' if IS_BASE else 'forgetting'}")
    index = PeopleIndex.open(store.index_path)
    assert index is not None
    person = min(
        identity for batch in index.scan(["person_id"]) for identity in batch["person_id"].to_pylist()
    )
    del index
    with clock(), store.exclusive():
        report = forgetting.forget(store, find_subject(store, Request.of(people=[person])))
    return {"person": person, "left": len(report.proof.found_in), "rows": report.after["people_in_index"]}


def _stored_listing(store: Store) -> Any:
    import pyarrow.parquet as pq

    from par_core.archive import Entry, Listing
    from par_core.status import Status

    path = next((store.root / "listings").glob("*.parquet"))
    table = pq.read_table(path, columns=["uri", "size", "version"], partitioning=None)
    columns = (table[name].to_pylist() for name in table.schema.names)
    entries = tuple(Entry(*row, status=Status.OK) for row in zip(*columns, strict=True))
    source = json.loads(pq.read_schema(path).metadata[b"par.listing"])["source"]
    return Listing(source, entries)


def _widen_describer(store: Store) -> None:
    """Let the fake describer answer with vectors as long as those of the store."""
    manifest = next((store.root / "describe").glob("*/*/manifest.json"))
    size = json.loads(manifest.read_bytes())["info"]["embedding_size"]
    directions = np.linalg.qr(np.random.default_rng(0).standard_normal((size, FakeDescriber.embedding_size)))
    describe, wide = FakeDescriber.describe, directions.Q.T.astype(np.float32)

    def describe_wide(self: FakeDescriber, cutouts: Sequence[Any]) -> Any:
        answers = describe(self, cutouts)
        return type(answers)(answers.embeddings @ wide, answers.probabilities)

    FakeDescriber.describe = describe_wide  # type: ignore[method-assign]
    FakeDescriber.embedding_size = size


Operation = Callable[[Store, Clock, str], dict[str, Any]]
OPERATIONS: dict[str, Operation] = {
    "start": start,
    "first": first,
    "migration": migration,
    "commit": commit,
    "rebuild": rebuild,
    "night": night,
    "replan": replan,
    "status": status,
    "verify": verify,
    "verify-thorough": verify_thorough,
    "forget": forget_person,
}


def main() -> None:
    """Carry out one operation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operation", choices=sorted(OPERATIONS))
    parser.add_argument("store", type=Path)
    parser.add_argument("--source", default="", help="folder of the new pictures")
    options = parser.parse_args()
    clock = Clock()
    result = OPERATIONS[options.operation](Store.open(options.store), clock, options.source)
    print(json.dumps({"costs": clock.costs, "result": result, "base": IS_BASE, "pid": os.getpid()}))


if __name__ == "__main__":
    main()
