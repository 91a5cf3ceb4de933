"""The subject of an erasure: from the user's request to every file name, id and vector that a store holds of
it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.archive.canonical import CanonicalUris
from par_core.errors import BadConfigError
from par_core.forget.concerned import every_shard, known_files, known_of_images, shards_at
from par_core.forget.request import Request
from par_core.forget.second_cuts_of import second_cuts_of
from par_core.forget.traces import Traces, traces_of
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.schemas import ENTRIES, as_entries
from par_core.store.suppression import Box, SuppressionList, load_suppression_list, places_of

__all__ = ["File", "Subject", "find_subject", "without_image"]

File = tuple[str, int, str]  # uri, size, version

_BOXED: Final = ["person_id", "image_id", "x1", "y1", "x2", "y2"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that is to be erased.

    Attributes:
        request: The user's request.
        uris: Files whose rows are all erased.
        files: Files whose rows without an image are erased: earlier attempts at them that failed.
        image_ids: Images whose rows are all erased.
        person_ids: People whose rows are all erased.
        partly: Images in which some people are erased and others stay.
        names: Names of all files of the subject.
        shards: Shards of segmentations that hold its rows, relative to the store.
        suppression_list: Suppression list of the store, with the subject added.
        traces: Traces that must not be left afterwards.
        thorough: Rewrite the whole index, and search everything afterwards.
    """

    request: Request
    uris: frozenset[str]
    files: frozenset[File]
    image_ids: frozenset[str]
    person_ids: frozenset[str]
    partly: frozenset[str]
    names: frozenset[str]
    shards: frozenset[str]
    suppression_list: SuppressionList
    traces: Traces
    thorough: bool = False


def find_subject(store: Store, request: Request, *, thorough: bool = False) -> Subject:
    """Return everything that a store holds of a request, in every configuration.

    Args:
        store: The store.
        request: The user's request.
        thorough: Rewrite the whole index, and search everything afterwards, instead of what the request
            concerns.

    Raises:
        BadConfigError: The store does not know one of its values.
        StoreError: A shard or listing cannot be read.
    """
    suppression_list, partly_ids = load_suppression_list(store), frozenset[str]()
    uris, image_ids = frozenset[str](), frozenset[str]()
    if request.kind == "source":
        known, listed = known_files(store), _all_listed(store)
        rows = known.rows
        suppression_list, uris, unknown = _below(request.values, rows, listed, suppression_list)
        going = _is_in(rows["uri"], uris)
        staying = set(rows.filter(pc.invert(going))["image_id"].to_pylist())
        image_ids = frozenset(rows.filter(going)["image_id"].drop_null().to_pylist()) - staying
    elif request.kind == "image":
        image_ids = frozenset(request.values)
        known = known_of_images(store, image_ids)
        rows, listed = known.rows, _all_listed(store)
        going = _is_in(rows["image_id"], image_ids)
        for row in rows.filter(going).to_pylist():
            file = (row["uri"], row["size"], row["version"])
            suppression_list = suppression_list.with_image(row["image_id"], iter([file]))
        unknown = sorted(image_ids - set(rows.filter(going)["image_id"].to_pylist()))
    else:
        image_of = _images_of_people(store, request.values)
        partly_ids = frozenset(image_of.values())
        # no file goes: its name may stay wherever it is
        known, listed = known_of_images(store, partly_ids, all_names=False), ENTRIES.empty_table()
        rows = known.rows
        going = pa.chunked_array([pa.repeat(False, len(rows))])
        unknown = [value for value in request.values if value not in image_of]
    if unknown:
        raise BadConfigError(
            f"the store knows no {request.kind} {', '.join(unknown[:3])} (any more); par search --json prints"
            " ids and uris"
        )
    shards = known.concerned_shards(uris, image_ids | partly_ids)
    if partly_ids:
        going_too = second_cuts_of(store, shards, request.values)
        suppression_list = _suppress_people(store, shards, [*request.values, *going_too], suppression_list)
    people = _people(store, shards, image_ids, partly_ids, suppression_list)
    names = set(rows.filter(going)["uri"].to_pylist()) | uris
    of_names = _is_in(listed["uri"], names)
    masked = suppression_list.mask(listed.filter(of_names))
    still_listed = masked.filter(pc.is_in(masked["uri"], value_set=pa.array(sorted(names), pa.string())))
    files = _failed_attempts(rows, names, still_listed) if request.kind == "image" else frozenset[File]()
    shards |= known.concerned_shards(uri for uri, _, _ in files)
    going = pc.or_(going, without_image(rows, files))
    kept = pa.chunked_array(
        [
            *known.names.filter(pc.invert(_is_in(known.names, names))).chunks,
            *rows.filter(pc.invert(going))["uri"].chunks,
            *listed.filter(pc.invert(of_names))["uri"].chunks,
            *still_listed.filter(pc.invert(_is_in(still_listed["uri"], uris)))["uri"].chunks,
        ],
        pa.string(),
    )
    person_ids = frozenset(person["person_id"] for person in people)
    partly = frozenset(person["image_id"] for person in people) - image_ids
    alone = names - set(kept.filter(_is_in(kept, names)).to_pylist())
    traces = traces_of(store, shards, image_ids, person_ids, alone, kept, thorough=thorough)
    return Subject(
        request,
        uris,
        files,
        image_ids,
        person_ids,
        partly,
        frozenset(names),
        frozenset(shards),
        suppression_list,
        traces,
        thorough,
    )


def _below(
    places: Sequence[str], rows: pa.Table, listed: pa.Table, suppression_list: SuppressionList
) -> tuple[SuppressionList, frozenset[str], list[str]]:
    """Return the suppression list with some places added, the files of the store in them, and the places that
    hold none. A file lies there by its canonical name, too: an earlier version of PAR kept ``..`` and links
    in the names of archives and of files in lists.
    """
    for place in places:
        suppression_list = suppression_list.with_place(next(places_of(place)))
    canonical, below = CanonicalUris(), suppression_list.below()
    uris, known = set[str](), set[str]()
    for uri in pa.chunked_array([*rows["uri"].chunks, *listed["uri"].chunks]).unique().to_pylist():
        name = canonical.of(uri)
        if below(uri) or below(name):
            uris.add(uri)
            known.update((*places_of(uri), *places_of(name)))
            if not below(uri):
                place, folder, *_ = (*places_of(uri), "")
                whole = below(canonical.of(f"{folder}/x").removesuffix("/x"))
                suppression_list = suppression_list.with_place(folder if whole else place)
                below = suppression_list.below()
    return suppression_list, frozenset(uris), [one for one in places if next(places_of(one)) not in known]


def _failed_attempts(rows: pa.Table, names: set[str], still_listed: pa.Table) -> frozenset[File]:
    """Return the files of some names that were never read, but for those that the archive holds now: they are
    other files.
    """
    failed = rows.filter(pc.and_(_is_in(rows["uri"], names), pc.is_null(rows["image_id"])))
    return frozenset(_files(failed)) - frozenset(_files(still_listed))


def _files(table: pa.Table) -> list[File]:
    return [
        (row["uri"], row["size"], row["version"])
        for row in table.select(["uri", "size", "version"]).to_pylist()
    ]


def without_image(rows: pa.Table, files: frozenset[File]) -> pa.ChunkedArray:
    """Return which rows of files have no image and belong to some files, as a mask."""
    near = pc.and_(_is_in(rows["uri"], {uri for uri, _, _ in files}), pc.is_null(rows["image_id"]))
    if not pc.any(near).as_py():
        return near
    return pc.and_(near, pa.chunked_array([pa.array([file in files for file in _files(rows)], pa.bool_())]))


def _is_in(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(sorted(values), pa.string()))


def _all_listed(store: Store) -> pa.Table:
    tables = [pq.read_table(path, partitioning=None) for path in (store.root / "listings").glob("*.parquet")]
    return pa.concat_tables([ENTRIES.empty_table(), *map(as_entries, tables)])


def _images_of_people(store: Store, person_ids: Sequence[str]) -> dict[str, str]:
    """Return the image of each person: from the index or, where that does not have them, from all shards."""
    index = PeopleIndex.open(store.index_path)
    rows = index.rows(person_ids).to_pylist() if index else []
    images = {row["person_id"]: row["image_id"] for row in rows}
    missing = [one for one in person_ids if one not in images]
    for folder, _ in every_shard(store, "segment") if missing else ():
        people = folder.read("people", ["person_id", "image_id"])
        for row in people.filter(_is_in(people["person_id"], missing)).to_pylist():
            images[row["person_id"]] = row["image_id"]
    return images


def _suppress_people(
    store: Store, shards: Iterable[str], person_ids: Sequence[str], suppression_list: SuppressionList
) -> SuppressionList:
    """Return the suppression list with some people added."""
    for folder, manifest in shards_at(store, shards):
        people = folder.read("people", _BOXED)
        for row in people.filter(_is_in(people["person_id"], person_ids)).to_pylist():
            suppression_list = suppression_list.with_person(
                row["image_id"], row["person_id"], manifest.info["segmenter"], _box(row)
            )
    return suppression_list


def _people(
    store: Store,
    shards: Iterable[str],
    image_ids: frozenset[str],
    partly_ids: frozenset[str],
    suppression_list: SuppressionList,
) -> list[dict[str, Any]]:
    """Return every person of some images, and the suppressed people of others, whichever segmenter has found
    them.
    """
    rows: list[dict[str, Any]] = []
    for folder, manifest in shards_at(store, shards):
        people = folder.read("people", _BOXED)
        rows += people.filter(_is_in(people["image_id"], image_ids)).to_pylist()
        for image_id in sorted(partly_ids - image_ids):
            found = people.filter(pc.equal(people["image_id"], image_id)).to_pylist()
            boxes = [(row["person_id"], _box(row)) for row in found]
            gone = suppression_list.forgotten_people(image_id, boxes, manifest.info["segmenter"])
            rows += [row for row in found if row["person_id"] in gone]
    return rows


def _box(row: dict[str, Any]) -> Box:
    return row["x1"], row["y1"], row["x2"], row["y2"]
