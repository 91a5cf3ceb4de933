"""Traces of a subject: the strings of bytes that no file of the store may hold after the erasure."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32

from par_core.forget.byte_search import SHORTEST, ByteSearch
from par_core.forget.concerned import described, every_shard
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

__all__ = ["Traces", "traces_of"]

_ASKED_OF_THE_INDEX: Final = 200  # vectors; of more, all descriptions are read at once


@dataclass(frozen=True, slots=True)
class Traces:
    """Traces that are looked for after the erasure.

    Attributes:
        ids: Ids of people and images, hexadecimal.
        uris: Names of files that occur in no other name of the store.
        uris_by_value: Names that are part of another name (``a.jpg`` of ``a.jpg.png``) or short: looked for
            as whole values only.
        vectors: Bytes of the embeddings that no other person of the store has.
        shared_vectors: Number of embeddings that others have too, bit by bit: copies of the same picture.
            These stay, so they cannot be looked for.
    """

    ids: tuple[str, ...]
    uris: tuple[str, ...]
    uris_by_value: tuple[str, ...]
    vectors: tuple[bytes, ...]
    shared_vectors: int

    def strings(self) -> list[bytes]:
        """Return the strings to look for at every offset of every file: ids as text and as bytes, names as
        text and as JSON writes them, vectors.
        """
        names = {
            form
            for uri in self.uris
            for form in (uri.encode("utf-8", "surrogateescape"), json.dumps(uri)[1:-1].encode())
        }
        return [
            *(i.encode() for i in self.ids),
            *(bytes.fromhex(i) for i in self.ids),
            *sorted(names),
            *self.vectors,
        ]


def traces_of(
    store: Store,
    shards: Iterable[str],
    image_ids: frozenset[str],
    person_ids: frozenset[str],
    names: set[str],
    kept_names: pa.ChunkedArray,
    *,
    thorough: bool,
) -> Traces:
    """Return the traces of a subject.

    Args:
        store: The store.
        shards: Shards of segmentations that hold its rows.
        image_ids: Its images.
        person_ids: Its people.
        names: Its files.
        kept_names: Names of files that stay in the store.
        thorough: Read the embeddings of everybody to see which others have too; else those of the same
            shards, and of the index.
    """
    wanted = pa.array(sorted(person_ids), pa.string())
    going, staying = set[bytes](), list[pa.Table]()
    for folder, _, _ in described(store, shards):
        people = folder.read("people", ["person_id", "vector"])
        mine = pc.is_in(people["person_id"], value_set=wanted)
        for values in _vectors(people.filter(mine)):
            going.update(row.tobytes() for row in values)
        staying.append(people.filter(pc.invert(mine)))
    vectors = sorted(going)
    look = ByteSearch(vectors)
    if thorough or len(vectors) > _ASKED_OF_THE_INDEX:
        shared = _shared_with_anybody(store, look, wanted) if vectors else set[int]()
    else:
        found = (look.find(values.tobytes()) for people in staying for values in _vectors(people))
        shared = set[int]().union(*found, _shared_in_the_index(store, vectors, person_ids))
    long = sorted(name for name in names if len(name.encode("utf-8", "surrogateescape")) >= SHORTEST)
    search = ByteSearch([name.encode("utf-8", "surrogateescape") for name in long])
    within = set[int]()
    for chunk in kept_names.chunks if long else ():
        lines = pc.binary_join_element_wise(chunk, "", "\n")
        within |= search.find(memoryview(lines.buffers()[2])) if len(lines) else set()
    uris = [name for number, name in enumerate(long) if number not in within]
    return Traces(
        ids=tuple(sorted(image_ids | person_ids)),
        uris=tuple(uris),
        uris_by_value=tuple(sorted(names - set(uris))),
        vectors=tuple(vector for number, vector in enumerate(vectors) if number not in shared),
        shared_vectors=len(shared),
    )


def _shared_with_anybody(store: Store, look: ByteSearch, mine: pa.Array) -> set[int]:
    shared = set[int]()
    for folder, _ in every_shard(store, "describe"):
        people = folder.read("people", ["person_id", "vector"])
        for values in _vectors(people.filter(pc.invert(pc.is_in(people["person_id"], value_set=mine)))):
            shared |= look.find(values.tobytes())
    return shared


def _shared_in_the_index(store: Store, vectors: list[bytes], person_ids: frozenset[str]) -> set[int]:
    """Return the numbers of the vectors that others in the index have: they are the nearest of all."""
    index = PeopleIndex.open(store.index_path) if vectors else None
    shared = set[int]()
    if index is None:
        return shared
    size = index.schema.field("vector").type.list_size
    for number, vector in enumerate(vectors):
        if len(vector) == size * np.dtype(np.float32).itemsize:
            nearest = index.search(
                np.frombuffer(vector, np.float32),
                top=len(person_ids) + 1,
                columns=["person_id", "vector"],
            )
            others = nearest.filter(
                pc.invert(pc.is_in(nearest["person_id"], value_set=pa.array(sorted(person_ids), pa.string())))
            )
            if any(vector == row.tobytes() for values in _vectors(others) for row in values):
                shared.add(number)
    return shared


def _vectors(people: pa.Table) -> Iterator[Float32[np.ndarray, "n d"]]:
    """Yield every vector of a table, some at a time."""
    for chunk in people["vector"].chunks:
        vectors = chunk.drop_null()
        if len(vectors):
            yield vectors.flatten().to_numpy(zero_copy_only=False).reshape(len(vectors), -1)
