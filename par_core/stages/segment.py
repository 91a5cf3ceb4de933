"""segment: read and decode the images of a shard, find the people, keep box, score and mask.

One row an entry with a status, one row a person. Rows in = rows out: a file that cannot be used becomes a row
with the reason.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from par_core.archive import DecodedImage, Entry, decode, read_entries
from par_core.config import ArchiveConfig, SegmentConfig
from par_core.errors import BadInputError, UnreadableImageError
from par_core.ids import image_id, person_id
from par_core.models.base import PersonSegmenter
from par_core.models.profiles import load_segmenter
from par_core.people.masks import mask_area
from par_core.stages.batches import run_batch
from par_core.stages.plan import read_work
from par_core.stages.result import ShardResult
from par_core.stages.run import Run
from par_core.status import Status
from par_core.store.schemas import IMAGES, PEOPLE
from par_core.store.suppression import SuppressionList, load_suppression_list
from par_core.types import ImageU8, PersonInstances

__all__ = ["segment_shard"]

_BATCH: Final = 16  # images read ahead
# bounds memory: about 70 MB of decoded pixels at a time, whatever the images' sizes
_PIXELS_PER_BATCH = 24_000_000


@dataclass(frozen=True, slots=True)
class _Read:
    """An entry that was read and decoded."""

    entry: Entry
    image_id: str
    image: DecodedImage


def segment_shard(run: Run, shard_id: str) -> ShardResult:
    """Segment one planned shard; returns at once if it is complete already.

    Raises:
        TransientError: The archive's storage cannot be reached, or memory ran out.
        BadConfigError: The models of the profile cannot be loaded.
    """
    started = time.monotonic()
    store, config = run.store, run.config
    folder = store.shard("segment", run.ids.segment, shard_id)
    done = folder.manifest()
    if done is not None:
        return ShardResult("segment", shard_id, dict(done.counts), 0.0, reused=True)
    entries, attempt = read_work(store, shard_id)
    segmenter = load_segmenter(config)
    rows = _Rows(attempt, load_suppression_list(store))
    for batch in _batches(_decoded(entries, config.archive, rows), config.machine.batch_size or _BATCH):
        rows.add_people(batch, segmenter, config.segment)
    images, people = rows.tables(entries)
    seconds = time.monotonic() - started
    info = {
        "entries": len(entries),
        "segmenter": segmenter.fingerprint,
        "model": segmenter.summary,
        "seconds": round(seconds, 3),
        "settings": config.segment.model_dump(),
    }
    manifest = folder.write(
        {"images": (images, IMAGES), "people": (people, PEOPLE)}, rows.counts(images, people), info
    )
    return ShardResult("segment", shard_id, dict(manifest.counts), seconds, reused=False)


def _decoded(entries: Sequence[Entry], limits: ArchiveConfig, rows: "_Rows") -> Iterator[_Read]:
    """Yield each different image that can be used, once; add rows for all other entries."""
    for entry, content in read_entries(entries, limits):
        if isinstance(content, UnreadableImageError):
            rows.add_failure(entry, None, content)
            continue
        identity = image_id(content)
        if rows.suppressed.has_image(identity):
            rows.add_forgotten(entry)
            continue
        if rows.add_duplicate(entry, identity):
            continue
        try:
            image = decode(content, limits)
        except UnreadableImageError as error:
            rows.add_failure(entry, identity, error)
            continue
        rows.expect(entry, identity)
        yield _Read(entry, identity, image)


def _batches(reads: Iterable[_Read], size: int) -> Iterator[list[_Read]]:
    reads = iter(reads)
    while batch := list(islice(reads, 1)):
        pixels = batch[0].image.pixels.size // 3
        while (
            len(batch) < size and pixels < _PIXELS_PER_BATCH and (following := next(reads, None)) is not None
        ):
            batch.append(following)
            pixels += following.image.pixels.size // 3
        yield batch


class _Rows:
    """Collects the rows of one shard."""

    def __init__(self, attempt: int, suppressed: SuppressionList) -> None:
        self.suppressed = suppressed
        self._attempt = attempt
        self._images: dict[str, dict[str, Any]] = {}  # by uri
        self._people: list[dict[str, Any]] = []
        self._first: dict[str, str] = {}  # uri of the first entry with an image's bytes, by image id
        self._copies: list[tuple[Entry, str]] = []

    def add_failure(self, entry: Entry, identity: str | None, error: UnreadableImageError) -> None:
        self._images[entry.uri] = self._row(entry, error.status, error.message, identity)

    def add_forgotten(self, entry: Entry) -> None:
        self._images[entry.uri] = self._row(entry, Status.FORGOTTEN, "", None)

    def expect(self, entry: Entry, identity: str) -> None:
        self._first[identity] = entry.uri

    def add_duplicate(self, entry: Entry, identity: str) -> bool:
        if identity not in self._first:
            return False
        self._copies.append((entry, identity))
        return True

    def add_people(self, batch: Sequence[_Read], segmenter: PersonSegmenter, settings: SegmentConfig) -> None:
        def run(images: Sequence[ImageU8]) -> list[PersonInstances]:
            return segmenter.segment(images)

        for read, instances in zip(batch, run_batch(run, [read.image.pixels for read in batch]), strict=True):
            if isinstance(instances, UnreadableImageError):
                self.add_failure(read.entry, read.image_id, instances)
                continue
            detected = [
                self._person(read.image_id, instances, i, segmenter.fingerprint, settings)
                for i in range(len(instances))
            ]
            boxes = [(row["person_id"], (row["x1"], row["y1"], row["x2"], row["y2"])) for row in detected]
            gone = self.suppressed.forgotten_people(read.image_id, boxes, segmenter.fingerprint)
            people = [person for person in detected if person["person_id"] not in gone]
            kinds = Counter(person["status"] for person in people)
            status = Status.OK if kinds[Status.OK] else Status.NO_PEOPLE
            row = self._row(read.entry, status, "", read.image_id)
            height, width = read.image.pixels.shape[:2]
            row |= {
                "width": width,
                "height": height,
                "format": read.image.format,
                "captured_at": read.image.captured_at,
            }
            self._images[read.entry.uri] = row | {
                "n_people": kinds[Status.OK],
                "n_too_small": kinds[Status.TOO_SMALL],
            }
            self._people += people

    def tables(self, entries: Sequence[Entry]) -> tuple[pa.Table, pa.Table]:
        for entry, identity in self._copies:
            self._images[entry.uri] = self._images[self._first[identity]] | {
                "uri": entry.uri,
                "size": entry.size,
                "version": entry.version,
            }
        if self._images.keys() != {entry.uri for entry in entries}:
            raise BadInputError(f"{len(entries)} entries went in, {len(self._images)} rows came out")
        images = [self._images[uri] for uri in sorted(self._images)]
        people = sorted(self._people, key=lambda row: (row["image_id"], -row["score"], row["person_id"]))
        return pa.Table.from_pylist(images, schema=IMAGES), pa.Table.from_pylist(people, schema=PEOPLE)

    @staticmethod
    def counts(images: pa.Table, people: pa.Table) -> dict[str, int]:
        return {**Counter(images["status"].to_pylist()), "images": len(images), "people": len(people)}

    def _row(self, entry: Entry, status: Status, message: str, identity: str | None) -> dict[str, Any]:
        row = {"uri": entry.uri, "size": entry.size, "version": entry.version, "attempt": self._attempt}
        return row | {
            "status": status,
            "message": message,
            "image_id": identity,
            "n_people": 0,
            "n_too_small": 0,
        }

    @staticmethod
    def _person(
        identity: str, instances: PersonInstances, i: int, fingerprint: str, settings: SegmentConfig
    ) -> dict[str, Any]:
        box, mask = instances.boxes[i].tolist(), instances.masks[i]
        row = {
            "person_id": person_id(identity, box, fingerprint),
            "image_id": identity,
            "score": float(instances.scores[i]),
        }
        row |= dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))
        row |= {
            "mask_height": mask.height,
            "mask_width": mask.width,
            "mask_counts": mask.counts.decode("ascii"),
            "mask_area": mask_area(mask),
        }
        return row | {"status": Status.OK if box[3] - box[1] >= settings.min_height_px else Status.TOO_SMALL}
