"""A table of some thousand people whose embeddings are wide enough that LanceDB keeps them as they are, and a
text encoder of the same size.
"""

import re
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.schemas import index_schema
from par_core.types import Embeddings

SIZE, ROWS = 64, 6_000
ATTRIBUTES = ("female", "hat", "bag")
THRESHOLDS = (0.5, 0.4, 0.6)
FIRST_DAY = datetime(2026, 11, 1)


class WideTextEncoder:
    """A sentence is the mean of random vectors, one for each of its words."""

    embedding_fingerprint = "wide-embedding-1"
    logit_scale = 20.0

    def encode(self, sentences: Sequence[str]) -> Embeddings:
        """Embed sentences: (n, 64), rows of L2 norm 1."""
        sums = [sum(_of_word(word) for word in re.findall(r"\w+", text)) for text in sentences]
        return np.array([vector / np.linalg.norm(vector) for vector in sums], np.float32)

    def parts(self, sentence: str) -> tuple[str, ...]:
        """A sentence of any length is read at once."""
        return (sentence,)

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """It knows every word."""
        return ()


def _of_word(word: str) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(word.encode())).standard_normal(SIZE)


def people(n: int = ROWS, seed: int = 0) -> pa.Table:
    """People in the schema of the index, two an image; of all values that may be unknown, some are."""
    rng = np.random.default_rng(seed)
    looks = np.random.default_rng(99).standard_normal((12, SIZE))  # few directions matter
    vectors = (rng.standard_normal((n, 12)) @ looks + 0.1 * rng.standard_normal((n, SIZE))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = pa.array([f"{i:032x}" for i in range(n)])
    columns: dict[str, pa.Array] = {
        "person_id": ids,
        "image_id": pa.array([f"{i // 2:032x}" for i in range(n)]),
        "uri": pa.array([f"/gate-{i % 7}/{i:05d}.jpg" for i in range(n)]),
        "uris": pa.array(
            [[f"/gate-{i % 7}/{i:05d}.jpg", *(["/copy.jpg"] if i % 13 == 0 else [])] for i in range(n)]
        ),
        "source_state": pa.array(rng.choice(["present", "vanished", "replaced"], n, p=[0.9, 0.05, 0.05])),
        "captured_at": pa.array(
            [None if i % 11 == 0 else FIRST_DAY + timedelta(minutes=17 * i) for i in range(n)],
            pa.timestamp("us"),
        ),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), SIZE),
    }
    for name in ("upper_color", "lower_color"):
        columns[name] = _some_unknown(rng.choice(COLOUR_TERMS, n), rng)
    for name in ATTRIBUTES:
        columns[name] = _some_unknown(rng.uniform(0.01, 0.99, n).astype(np.float32), rng)
    columns["cutout"] = _some_unknown(rng.random(n).astype(np.float32), rng)
    schema = index_schema(ATTRIBUTES, SIZE)
    for field in schema:
        if field.name not in columns:
            columns[field.name] = (
                ids if pa.types.is_string(field.type) else pa.array(rng.integers(20, 400, n)).cast(field.type)
            )
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _some_unknown(values: np.ndarray, rng: np.random.Generator) -> pa.Array:
    return pa.array(values, mask=rng.random(len(values)) < 0.05)


def make_index(path: Path, table: pa.Table) -> PeopleIndex:
    """Write a table of people; returns it, open at its version."""
    info = IndexInfo("s", "d", WideTextEncoder.embedding_fingerprint, "wide", ATTRIBUTES, THRESHOLDS)
    made = PeopleIndex.create(path, table.schema, info)
    made.add(table)
    made.optimize()
    made.history.make_live()
    opened = PeopleIndex.open(path, "live")
    assert opened is not None
    return opened


def plain_and_resident(path: Path, table: pa.Table) -> tuple[PeopleIndex, PeopleIndex]:
    """Write a table of people; returns its version twice, read by LanceDB and held in memory."""
    plain, fast = make_index(path, table), PeopleIndex.open(path, "live")
    assert fast is not None
    fast.read_resident()
    assert fast.resident is not None
    return plain, fast
