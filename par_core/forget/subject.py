"""The subject of an erasure: from the user's request to every file name, id and vector that a store holds of
it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Float32

from par_core.archive.entries import is_remote
from par_core.errors import BadConfigError
from par_core.forget.byte_search import SHORTEST, ByteSearch
from par_core.store.layout import Stage, Store
from par_core.store.schemas import ENTRIES, as_entries
from par_core.store.shards import Manifest, ShardFolder
from par_core.store.suppression import SuppressionList, load_suppression_list, places_of

__all__ = ["Request", "Subject", "Traces", "every_shard", "find_subject"]

Kind = Literal["source", "image", "person"]
_ID_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Request:
    """The user's request to forget something.

    Attributes:
        kind: ``source``, ``image`` or ``person``.
        values: Uris (of folders and archives with everything below them), or ids.
    """

    kind: Kind
    values: tuple[str, ...]

    @classmethod
    def of(
        cls, sources: Sequence[str] = (), images: Sequence[str] = (), people: Sequence[str] = ()
    ) -> "Request":
        """Return the request of a command line; it names one or more values of exactly one kind.

        Raises:
            BadConfigError: No kind or several kinds are named, or a value is not an id.
        """
        every: tuple[tuple[Kind, Sequence[str]], ...] = (
            ("source", sources),
            ("image", images),
            ("person", people),
        )
        named = [(kind, values) for kind, values in every if values]
        if len(named) != 1:
            raise BadConfigError("name what to forget, of one kind: --source URI, --image ID or --person ID")
        kind, values = named[0]
        if kind == "source":
            return cls(kind, tuple(dict.fromkeys(map(_as_uri, values))))
        for value in values:
            if len(value) != _ID_DIGITS or any(digit not in "0123456789abcdef" for digit in value):
                raise BadConfigError(
                    f"--{kind} {value!r}: no id; ids have {_ID_DIGITS} digits 0-9a-f, as par search --json"
                    " prints them"
                )
        return cls(kind, tuple(dict.fromkeys(values)))


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


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that is to be erased.

    Attributes:
        request: The user's request.
        uris: Files whose rows are all erased.
        image_ids: Images whose rows are all erased.
        person_ids: People whose rows are all erased.
        partly: Images in which some people are erased and others stay.
        suppression_list: Suppression list of the store, with the subject added.
        traces: Traces that must not be left afterwards.
    """

    request: Request
    uris: frozenset[str]
    image_ids: frozenset[str]
    person_ids: frozenset[str]
    partly: frozenset[str]
    suppression_list: SuppressionList
    traces: Traces


def find_subject(store: Store, request: Request) -> Subject:
    """Return everything that a store holds of a request, in every configuration.

    Raises:
        BadConfigError: The store does not know one of its values.
        StoreError: A shard or listing cannot be read.
    """
    suppression_list, partly_ids = load_suppression_list(store), frozenset[str]()
    images, listed = _all_images(store), _all_listed(store)
    uris, image_ids = frozenset[str](), frozenset[str]()
    going = pa.array([False] * len(images), pa.bool_())
    if request.kind == "source":
        for value in request.values:
            suppression_list = suppression_list.with_place(next(places_of(value)))
        uris = frozenset(
            uri
            for uri in {*images["uri"].to_pylist(), *listed["uri"].to_pylist()}
            if suppression_list.has_place(uri)
        )
        going = pc.is_in(images["uri"], value_set=pa.array(sorted(uris), pa.string()))
        staying = set(images.filter(pc.invert(going))["image_id"].to_pylist())
        image_ids = frozenset(images.filter(going)["image_id"].drop_null().to_pylist()) - staying
        known = {place for uri in uris for place in places_of(uri)}
        unknown = [value for value in request.values if next(places_of(value)) not in known]
    elif request.kind == "image":
        image_ids = frozenset(request.values)
        going = pc.is_in(images["image_id"], value_set=pa.array(request.values, pa.string()))
        for image_id in request.values:
            rows = (
                images.filter(pc.equal(images["image_id"], image_id))
                .select(["uri", "size", "version"])
                .to_pylist()
            )
            suppression_list = suppression_list.with_image(
                image_id, ((row["uri"], row["size"], row["version"]) for row in rows)
            )
        unknown = sorted(image_ids - set(images["image_id"].to_pylist()))
    else:
        suppression_list, image_of = _suppress_people(store, request.values, suppression_list)
        partly_ids = frozenset(image_of.values())
        unknown = [value for value in request.values if value not in image_of]
    if unknown:
        raise BadConfigError(
            f"the store knows no {request.kind} {', '.join(unknown[:3])} (any more); par search --json prints"
            " ids and uris"
        )
    people = _people(store, image_ids, partly_ids, suppression_list)
    names = set(images.filter(going)["uri"].to_pylist()) | uris
    kept = (
        set(images.filter(pc.invert(going))["uri"].to_pylist())
        | set(suppression_list.mask(listed)["uri"].to_pylist())
    ) - uris
    person_ids = frozenset(person["person_id"] for person in people)
    partly = frozenset(person["image_id"] for person in people) - image_ids
    traces = _traces(store, image_ids, person_ids, names - kept, kept)
    return Subject(request, uris, image_ids, person_ids, partly, suppression_list, traces)


def every_shard(store: Store, stage: Stage) -> Iterator[tuple[ShardFolder, Manifest]]:
    """Yield every complete shard of a stage, of all configurations."""
    folder = store.root / stage
    for config in sorted(folder.iterdir()) if folder.is_dir() else []:
        yield from store.complete_shards(stage, config.name)


def _as_uri(source: str) -> str:
    if not source.strip():
        raise BadConfigError("an empty source; name a file, a folder, an archive or a URL")
    if is_remote(source) or source.startswith("file://"):
        return source.rstrip("/")
    named = str(Path(source).expanduser().absolute())
    if named == "/":
        raise BadConfigError("/ is everything; to forget a whole store, delete its folder")
    return named


def _all_images(store: Store) -> pa.Table:
    columns = ["uri", "size", "version", "image_id"]
    tables = [folder.read("images", columns) for folder, _ in every_shard(store, "segment")]
    empty = pa.schema(
        [("uri", pa.string()), ("size", pa.int64()), ("version", pa.string()), ("image_id", pa.string())]
    ).empty_table()
    return pa.concat_tables(
        [empty, *(table.replace_schema_metadata(None).cast(empty.schema) for table in tables)]
    )


def _all_listed(store: Store) -> pa.Table:
    tables = [pq.read_table(path, partitioning=None) for path in (store.root / "listings").glob("*.parquet")]
    return pa.concat_tables([ENTRIES.empty_table(), *map(as_entries, tables)])


def _suppress_people(
    store: Store, person_ids: Sequence[str], suppression_list: SuppressionList
) -> tuple[SuppressionList, dict[str, str]]:
    """Return the suppression list with some people added, and the image id of each by person id."""
    images: dict[str, str] = {}
    wanted = pa.array(person_ids, pa.string())
    for folder, manifest in every_shard(store, "segment"):
        people = folder.read("people", ["person_id", "image_id", "x1", "y1", "x2", "y2"])
        for row in people.filter(pc.is_in(people["person_id"], value_set=wanted)).to_pylist():
            box = (row["x1"], row["y1"], row["x2"], row["y2"])
            suppression_list = suppression_list.with_person(
                row["image_id"], row["person_id"], manifest.info["segmenter"], box
            )
            images[row["person_id"]] = row["image_id"]
    return suppression_list, images


def _people(
    store: Store, image_ids: frozenset[str], partly_ids: frozenset[str], suppression_list: SuppressionList
) -> list[dict[str, Any]]:
    """Return every person of some images, and the suppressed people of others, whichever segmenter has found
    them.
    """
    rows: list[dict[str, Any]] = []
    wanted = pa.array(sorted(image_ids | partly_ids), pa.string())
    for folder, manifest in every_shard(store, "segment"):
        people = folder.read("people", ["person_id", "image_id", "x1", "y1", "x2", "y2"])
        for row in people.filter(pc.is_in(people["image_id"], value_set=wanted)).to_pylist():
            box = (row["x1"], row["y1"], row["x2"], row["y2"])
            if row["image_id"] in image_ids or suppression_list.has_person(
                row["image_id"], row["person_id"], manifest.info["segmenter"], box
            ):
                rows.append(row)
    return rows


def _traces(
    store: Store, image_ids: frozenset[str], person_ids: frozenset[str], names: set[str], kept_names: set[str]
) -> Traces:
    going = set[bytes]()
    wanted = pa.array(sorted(person_ids), pa.string())
    for folder, _ in every_shard(store, "describe"):
        people = folder.read("people", ["person_id", "vector"])
        mine = pc.is_in(people["person_id"], value_set=wanted)
        for values in _vectors(people.filter(mine)):
            going.update(row.tobytes() for row in values)
    vectors = sorted(going)
    look, shared = ByteSearch(vectors), set[int]()
    for folder, _ in every_shard(store, "describe") if vectors else ():
        people = folder.read("people", ["person_id", "vector"])
        for values in _vectors(people.filter(pc.invert(pc.is_in(people["person_id"], value_set=wanted)))):
            shared |= look.find(values.tobytes())
    long = sorted(name for name in names if len(name.encode("utf-8", "surrogateescape")) >= SHORTEST)
    within = ByteSearch([name.encode("utf-8", "surrogateescape") for name in long]).find(
        "\n".join(sorted(kept_names)).encode("utf-8", "surrogateescape")
    )
    uris = [name for number, name in enumerate(long) if number not in within]
    return Traces(
        ids=tuple(sorted(image_ids | person_ids)),
        uris=tuple(uris),
        uris_by_value=tuple(sorted(names - set(uris))),
        vectors=tuple(vector for number, vector in enumerate(vectors) if number not in shared),
        shared_vectors=len(shared),
    )


def _vectors(people: pa.Table) -> Iterator[Float32[np.ndarray, "n d"]]:
    """Yield every vector of a table, some at a time."""
    for chunk in people["vector"].chunks:
        vectors = chunk.drop_null()
        if len(vectors):
            yield vectors.flatten().to_numpy(zero_copy_only=False).reshape(len(vectors), -1)
