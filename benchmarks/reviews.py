r"""How many people must be judged to find four in five of a rare kind, and how often the interval holds the
truth.

    par index build/held-out/all/ccp/photos --store build/store-ccp
    PYTHONPATH=. python benchmarks/reviews.py --people build/held-out/all --store build/store-ccp \
        > benchmarks/results/reviews.json

Labels of CCP stand in for the reviewer. A kind is rare if at most 15 in 100 people have it. Only people of
the store with a known label take part. Ways compared: a review (its random draws count as judgements),
the ranking by the text alone, and chance. The interval is checked after every batch of every review: a review
whose interval ever misses the truth counts as missed. Then come the seconds on random people (``--speed``).
"""

import argparse
import json
import math
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from machine import provenance

from par_core.config import load_config
from par_core.datasets.attribute_sets import read_attribute_set
from par_core.evaluate.attributes import known_labels
from par_core.evaluate.stored.matching import join_labels, open_index
from par_core.evaluate.zero_shot import prompts_for
from par_core.models.base import TextEncoder
from par_core.models.profiles import load_text_encoder
from par_core.models.prompting import text_vector
from par_core.review.proposals import Proposer
from par_core.review.recall import estimate_left
from par_core.review.record import ReviewRecord
from par_core.review.survey import choose_bounds
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store
from par_core.store.schemas import index_schema

BATCH = 12
SHARE = 0.8
RAREST, MOST = 6, 0.15
MARGINS = (0.25, 0.5, 1.0)


def review(
    index: PeopleIndex, where: str, name: str, text: np.ndarray, truth: dict[str, bool], seed: int
) -> dict[str, Any]:
    """Carry out one review to its end, with the answers of the labels."""
    record = ReviewRecord(
        name, name, None, "", "", index.version, seed, tuple(text.tolist()), choose_bounds(index, where, text)
    )
    people = Proposer(index, where, record)
    total, needed, judged, confirmed, missed, tight = sum(truth.values()), None, 0, 0, False, {}
    while batch := people.propose(record, BATCH):
        answered = tuple(
            replace(each, answer="yes" if truth[each.person_id] else "no", turn=1) for each in batch
        )
        record = replace(record, rounds=(*record.rounds, answered))
        for person in answered:
            judged, confirmed = judged + 1, confirmed + (person.answer == "yes")
            if needed is None and confirmed >= math.ceil(SHARE * total):
                needed = judged
        estimate = estimate_left(record, people.survey)
        missed |= not estimate.least_left <= total - estimate.found <= estimate.most_left
        for margin in MARGINS:
            if margin not in tight and estimate.most_left <= margin * estimate.found:
                tight[margin] = judged
    return {"needed": needed, "missed": missed, "judged_until_at_most_left": tight}


def by_text(cosines: np.ndarray, has: np.ndarray) -> int:
    """Number of judgements until the share is reached, in the order of the text."""
    return int(
        np.searchsorted(np.cumsum(has[np.argsort(-cosines, kind="stable")]), math.ceil(SHARE * has.sum())) + 1
    )


def by_chance(n: int, total: int) -> float:
    """Expected judgements in random order: the k-th of K among n is expected at k (n + 1) / (K + 1)."""
    return math.ceil(SHARE * total) * (n + 1) / (total + 1)


def reviews(root: Path, store_root: Path, repeats: int, encoder: TextEncoder) -> dict[str, Any]:
    """Figures of all rare kinds."""
    store = Store.open(store_root)
    index = open_index(store)
    data = read_attribute_set("ccp", root, 0)
    joined = join_labels(data, root / "ccp" / "photos", store, index)
    rows = [row for row, each in enumerate(joined) if each.person is not None]
    ids = [joined[row].person.person_id for row in rows]  # type: ignore[union-attr]
    table = index.rows(ids)
    vectors = dict(
        zip(table["person_id"].to_pylist(), np.array(table["vector"].to_pylist(), np.float32), strict=True)
    )
    embedded, labels = np.array([vectors[each] for each in ids]), known_labels(data)[rows]
    kinds: dict[str, Any] = {}
    for column, name in enumerate(data.attributes):
        known, has = ~np.isnan(labels[:, column]), labels[:, column] == 1
        phrase = prompts_for(name).has
        if not RAREST <= has.sum() <= MOST * known.sum() or encoder.unknown_words(phrase):
            continue
        truth = {each: bool(yes) for each, yes, sure in zip(ids, has, known, strict=True) if sure}
        where = f"person_id IN ({', '.join(repr(each) for each in truth)})"
        text = text_vector(phrase, encoder)
        runs = [review(index, where, name, text, truth, seed) for seed in range(repeats)]
        needed = np.array([each["needed"] for each in runs])
        kinds[name] = {
            "text": phrase,
            "people": len(truth),
            "positives": int(has.sum()),
            "review": {"mean": float(needed.mean()), "least": int(needed.min()), "most": int(needed.max())},
            "text_alone": by_text(embedded[known] @ text, has[known]),
            "chance": by_chance(int(known.sum()), int(has.sum())),
            "missed": sum(each["missed"] for each in runs),
            "judged_until_at_most_left": {
                str(margin): float(np.median([each["judged_until_at_most_left"][margin] for each in runs]))
                for margin in MARGINS
            },
        }
        print(name, kinds[name], file=sys.stderr)
    means = {
        way: float(np.mean([kind[way]["mean"] if way == "review" else kind[way] for kind in kinds.values()]))
        for way in ("review", "text_alone", "chance")
    }
    return {
        "share_found": SHARE,
        "batch": BATCH,
        "repeats": repeats,
        "kinds": kinds,
        "mean_judgements": means,
        "interval": {
            "confidence": 0.95,
            "reviews": repeats * len(kinds),
            "ever_missed": sum(kind["missed"] for kind in kinds.values()),
        },
    }


def speed(n: int) -> dict[str, Any]:
    """Seconds on made-up people, without a vector index."""
    rng, size, part = np.random.default_rng(0), 256, 100_000
    schema = index_schema((), size)
    text = rng.normal(size=size).astype(np.float32)
    text /= np.linalg.norm(text)
    with tempfile.TemporaryDirectory() as folder:
        index = PeopleIndex.create(Path(folder), schema, IndexInfo("", "", "", "", (), ()))
        for start in range(0, n, part):
            rows = min(part, n - start)
            vectors = rng.normal(size=(rows, size)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            columns: dict[str, Any] = {
                "vector": pa.FixedSizeListArray.from_arrays(vectors.ravel(), size),
                "uris": [[]] * rows,
            }
            columns |= {
                name: [f"{start + row:032x}" for row in range(rows)] for name in ("person_id", "image_id")
            }
            columns |= {name: ["present"] * rows for name in ("uri", "source_state", "shard", "row_digest")}
            arrays = [
                columns[f.name]
                if f.name in columns
                else pa.nulls(rows, f.type)
                if f.nullable
                else pa.array(np.zeros(rows), pa.float64()).cast(f.type)
                for f in schema
            ]
            index._table.add(pa.table(arrays, schema=schema.remove_metadata()))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds: dict[str, Any] = {}
        clock = time.perf_counter()
        where = "(source_state = 'present')"
        record = ReviewRecord(
            "speed", "", None, "", "", 1, 0, tuple(text.tolist()), choose_bounds(index, where, text)
        )
        people = Proposer(index, where, record)
        seconds["start"] = time.perf_counter() - clock
        batches = []
        for number in range(5):
            clock = time.perf_counter()
            batch = tuple(
                replace(each, answer="no" if row else "yes", turn=1)
                for row, each in enumerate(people.propose(record, BATCH))
            )
            record = replace(record, rounds=(*record.rounds, batch))
            seconds["estimate"] = -time.perf_counter()
            estimate = estimate_left(record, people.survey)
            seconds["estimate"] += time.perf_counter()
            batches.append(time.perf_counter() - clock)
            print(number, batches[-1], estimate.most_left, file=sys.stderr)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "people": n,
        "embedding": size,
        "seconds": seconds | {"batch": float(np.median(batches))},
        "more_memory_mb": (after - before) / 1024,
    }


def main() -> None:
    """Print the result as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--speed", type=int, default=1_000_000)
    arguments = parser.parse_args()
    result = {
        **provenance(0),
        **reviews(
            arguments.people,
            arguments.store,
            arguments.repeats,
            load_text_encoder(load_config(profile="compact")),
        ),
    }
    print(json.dumps(result | {"speed": speed(arguments.speed)}, indent=1))


if __name__ == "__main__":
    main()
