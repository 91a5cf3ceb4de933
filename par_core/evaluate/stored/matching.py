"""Labels of people joined with people of a store: by the picture's path, and by the box where the
labels have boxes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.optimize import linear_sum_assignment

from par_core.archive.canonical import canonical, composed
from par_core.archive.entries import path_of
from par_core.datasets.labelled_set import AttributeSet
from par_core.errors import StoreError
from par_core.people.boxes import box_overlaps
from par_core.status import Status
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger import Ledger
from par_core.store.ledger.pending import listed_images
from par_core.types import BoxesXYXY

__all__ = ["JoinedLabel", "StoredPerson", "join_labels", "open_index"]

_LEAST_OVERLAP: Final = 0.5


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """A person as the store has it. Not ``par_core.query.person.Person``, which needs a row of the index:
    this may be a person who is too small or not committed yet.

    Attributes:
        person_id: Id of the person.
        uri: URI of the picture.
        box: x1 y1 x2 y2 in pixels of the upright picture.
        mask_area: Area of the mask, pixels.
        status: Status of the description.
        row: Columns of the index: attributes, colours, quality; empty unless ``ok``.
    """

    person_id: str
    uri: str
    box: tuple[float, float, float, float]
    mask_area: int
    status: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JoinedLabel:
    """Match of one row of labels.

    Attributes:
        status: ``ok``; why no person matches: ``not_in_store`` (no file ends in this path),
            ``ambiguous_path`` (different pictures do), ``several_without_box`` (rows of one picture need
            boxes), ``no_overlap`` (no person at that place), or a status of the data contract, such as
            ``no_people``, ``too_small`` or ``damaged``; ``not_committed`` for a person who is described but
            not in the index yet.
        person: Matched person where ``ok``.
        overlap: Intersection over union of the boxes, in [0.5, 1]; NaN without boxes.
    """

    status: str
    person: StoredPerson | None = None
    overlap: float = float("nan")


def open_index(store: Store) -> PeopleIndex:
    """Open the index of a store.

    Raises:
        StoreError: There is none yet, or it cannot be read.
    """
    index = PeopleIndex.open(store.index_path)
    if index is None:
        raise StoreError(f"{store.root} holds nobody yet; run: par index SOURCE --store {store.root}")
    return index


def join_labels(data: AttributeSet, folder: Path, store: Store, index: PeopleIndex) -> list[JoinedLabel]:
    """Match each labelled person with a person of the store.

    Without boxes a row belongs to the person with the largest mask, as in ``par evaluate attributes``. With
    boxes, people of a picture are assigned to rows so that the overlaps add up to most, and count from an
    intersection over union of 0.5.

    Args:
        data: Labels from a CSV file.
        folder: Folder of the CSV file; paths below it are matched with the ends of the store's uris.
        store: The store.
        index: Its index.
    """
    pictures = _pictures(data, folder, store, index.info)
    by_picture: dict[str, list[int]] = defaultdict(list)
    joined: dict[int, JoinedLabel] = {}
    for row, picture in enumerate(pictures):
        if picture["status"] == Status.OK:
            by_picture[picture["image_id"]].append(row)
        else:
            joined[row] = JoinedLabel(picture["status"])
    people = _people(
        store,
        index,
        {pictures[rows[0]]["image_id"]: pictures[rows[0]]["uri"] for rows in by_picture.values()},
    )
    for image, rows in by_picture.items():
        joined |= _joined(rows, data.boxes, people[image])
    return [joined[row] for row in range(len(pictures))]


def _joined(
    rows: Sequence[int], boxes: BoxesXYXY | None, people: Sequence[StoredPerson]
) -> dict[int, JoinedLabel]:
    """Match the rows of one picture."""
    joined: dict[int, JoinedLabel] = {}
    boxed = [row for row in rows if boxes is not None and not np.isnan(boxes[row]).any()]
    unboxed = [row for row in rows if row not in boxed]
    if len(unboxed) > 1:
        joined |= dict.fromkeys(unboxed, JoinedLabel("several_without_box"))
    elif unboxed:
        largest = max(people, key=lambda person: (person.mask_area, person.person_id))
        joined[unboxed[0]] = JoinedLabel(largest.status, largest if largest.status == Status.OK else None)
    if boxed and boxes is not None:
        joined |= dict.fromkeys(boxed, JoinedLabel("no_overlap"))
        overlaps = box_overlaps(boxes[boxed], np.array([person.box for person in people], np.float32))
        for i, j in zip(
            *(places.tolist() for places in linear_sum_assignment(overlaps, maximize=True)), strict=True
        ):
            if overlaps[i, j] >= _LEAST_OVERLAP:
                person = people[j]
                joined[boxed[i]] = JoinedLabel(
                    person.status, person if person.status == Status.OK else None, float(overlaps[i, j])
                )
    return joined


def _pictures(data: AttributeSet, folder: Path, store: Store, info: IndexInfo) -> list[dict[str, Any]]:
    """Return ``status``, ``image_id`` and ``uri`` of the picture of each row."""
    by_name: dict[str, list[tuple[list[str], dict[str, Any]]]] = defaultdict(list)
    with Ledger.read(store, store.current_id(info.segment_config)) as ledger:
        for uri, status, image_id in listed_images(ledger) if ledger else ():
            parts = _parts(uri)
            by_name[parts[-1]].append((parts, {"uri": uri, "status": status, "image_id": image_id}))
    pictures: dict[Path, dict[str, Any]] = {}
    root, folders = canonical(folder), dict[str, str]()
    for person in data.people:
        if person.image not in pictures:
            image = Path(canonical(person.image, folders=folders))
            whole = [composed(part) for part in image.parts[1:]]
            below = image.is_relative_to(root)
            wanted = [composed(part) for part in image.relative_to(root).parts] if below else whole
            matching = [
                (parts, picture) for parts, picture in by_name[wanted[-1]] if parts[-len(wanted) :] == wanted
            ]
            exact = [(parts, picture) for parts, picture in matching if parts == whole] or matching
            different = {picture["image_id"] or picture["uri"]: picture for _, picture in exact}
            pictures[person.image] = (
                next(iter(different.values()))
                if len(different) == 1
                else {
                    "status": "ambiguous_path" if different else "not_in_store",
                    "image_id": None,
                    "uri": "",
                }
            )
    return [pictures[person.image] for person in data.people]


def _parts(uri: str) -> list[str]:
    """Return folders and file of a uri; a member of an archive lies in a folder of the archive's name."""
    path = (
        uri
        if "://" in uri and not uri.startswith("file://")
        else path_of(uri).decode("utf-8", "surrogateescape")
    )
    return [composed(part) for part in path.replace("!/", "/").split("/") if part]


def _people(store: Store, index: PeopleIndex, uris: dict[str, str]) -> dict[str, list[StoredPerson]]:
    """Return all people of some pictures but second cuts, by ``image_id``; from segmenting first, then with
    their rows of the index.
    """
    wanted = pa.array(sorted(uris), pa.string())
    columns = [name for name in index.schema.names if name not in ("vector", "uris", "row_digest")]
    described: dict[str, dict[str, Any]] = {}
    for batch in index.scan(columns):
        described |= {
            row["person_id"]: row
            for row in batch.filter(pc.is_in(batch["image_id"], value_set=wanted)).to_pylist()
        }
    statuses: dict[str, str] = {}
    for shard, _ in store.complete_shards("describe", index.info.describe_config):
        table = shard.read("people", ["person_id", "image_id", "status"])
        statuses |= {
            row["person_id"]: row["status"]
            for row in table.filter(pc.is_in(table["image_id"], value_set=wanted)).to_pylist()
        }
    people: dict[str, dict[str, StoredPerson]] = {image: {} for image in uris}
    for shard, _ in store.complete_shards("segment", index.info.segment_config):
        table = shard.read("people", ["person_id", "image_id", "status", "x1", "y1", "x2", "y2", "mask_area"])
        first = pc.not_equal(table["status"], Status.SECOND_CUT.value)
        for row in table.filter(pc.and_(first, pc.is_in(table["image_id"], value_set=wanted))).to_pylist():
            person, image = row["person_id"], row["image_id"]
            status = (
                statuses.get(person, row["status"])
                if person in described or statuses.get(person) != Status.OK
                else "not_committed"
            )
            box = (row["x1"], row["y1"], row["x2"], row["y2"])
            people[image][person] = StoredPerson(
                person, uris[image], box, row["mask_area"], status, described.get(person, {})
            )
    return {image: list(persons.values()) for image, persons in people.items()}
