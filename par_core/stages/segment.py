"""segment: read and decode the images of a shard, find the people, keep box, score and mask.

One row an entry with a status, one row a person. Rows in = rows out: a file that cannot be used becomes a row
with the reason.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from par_core.archive import DecodedImage
from par_core.errors import UnreadableImageError
from par_core.models.base import PersonSegmenter
from par_core.models.profiles import load_segmenter
from par_core.stages.batches import run_batch
from par_core.stages.image_rows import ImageRows, counts_of
from par_core.stages.known_images import KnownImage, KnownImages
from par_core.stages.pictures import BATCH, Picture, batches_ahead, read_pictures
from par_core.stages.provenance import segment_info
from par_core.stages.result import ShardResult
from par_core.stages.run import Run
from par_core.stages.shard_work import read_work
from par_core.store.schemas import IMAGES, PEOPLE
from par_core.store.suppression import load_suppression_list
from par_core.types import ImageU8, PersonInstances

__all__ = ["Segmentation", "Segmented", "segment_shard"]


@dataclass(frozen=True, slots=True)
class Segmented:
    """An image in which people were looked for.

    Attributes:
        pixels: Pixels of the upright image.
        people: Rows of its people, schema PEOPLE, highest score first.
    """

    pixels: ImageU8
    people: Sequence[dict[str, Any]]


class Segmentation:
    """The segmentation of one planned shard.

    Args:
        run: The run.
        shard_id: Id of the shard.

    Attributes:
        known: Images of the shard whose results other shards hold.
    """

    def __init__(self, run: Run, shard_id: str) -> None:
        self._run, self._shard_id = run, shard_id
        work = read_work(run.store, shard_id)
        self.known = KnownImages(run, work.known.values())
        self._entries, self._recognised = work.entries, set[str]()
        self._suppressed = load_suppression_list(run.store)
        self._rows = ImageRows(
            work.attempt, self._suppressed, run.config.segment.min_height_px, run.models.segmenter
        )

    @cached_property
    def _segmenter(self) -> PersonSegmenter:
        """The segmenter, loaded when the first picture needs it."""
        return load_segmenter(self._run.config)

    def images(self) -> Iterator[Segmented | KnownImage]:
        """Read all entries and yield the images in which people were looked for, as the segmenter gives
        them, or in which they are known; the other entries become rows.

        Raises:
            TransientError: The archive's storage cannot be reached, or memory ran out.
            BadConfigError: The models of the profile cannot be loaded.
            StoreError: A shard that holds known images is damaged.
        """
        config = self._run.config
        pictures = read_pictures(self._entries, config.archive, self._suppressed, self.known)
        for batch in batches_ahead(pictures, config.machine.batch_size or BATCH):
            yield from self._segmented(batch)

    def _segmented(self, batch: Sequence[Picture]) -> Iterator[Segmented | KnownImage]:
        found: list[tuple[Picture, str, DecodedImage]] = []
        for picture in batch:
            if isinstance(picture.content, UnreadableImageError):
                self._rows.add_failure(picture, picture.content)
            elif picture.image_id is not None and picture.content is None:
                self._rows.add_copy(picture.entry, picture.image_id)
            elif picture.image_id is not None and isinstance(picture.content, KnownImage):
                self._rows.add_known(picture.entry, picture.image_id, picture.content)
                self._recognised.add(picture.image_id)
                yield picture.content
            elif picture.image_id is not None and isinstance(picture.content, DecodedImage):
                found.append((picture, picture.image_id, picture.content))

        def run(images: Sequence[ImageU8]) -> list[PersonInstances]:
            return self._segmenter.segment(images)

        results = run_batch(run, [image.pixels for _, _, image in found])
        for (picture, identity, image), instances in zip(found, results, strict=True):
            if isinstance(instances, UnreadableImageError):
                self._rows.add_failure(picture, instances)
            else:
                people = self._rows.add_people(picture.entry, identity, image, instances)
                yield Segmented(image.pixels, people)

    def write(self, seconds: float) -> tuple[ShardResult, pa.Table]:
        """Write the shard, after all images, and return its result and the people (schema PEOPLE).

        Args:
            seconds: Wall time of the work.
        """
        images, people = self._rows.tables(self._entries)
        recognised = pc.is_in(images["image_id"], value_set=pa.array(sorted(self._recognised), pa.string()))
        info = segment_info(
            self._run.config,
            self._run.models.segmenter,
            self._segmenter.summary if "_segmenter" in vars(self) else "",
            entries=len(self._entries),
            recognised=pc.sum(recognised).as_py() or 0,
            seconds=seconds,
        )
        folder = self._run.store.shard("segment", self._run.ids.segment, self._shard_id)
        tables = {"images": (images, IMAGES), "people": (people, PEOPLE)}
        manifest = folder.write(tables, counts_of(images, people), info)
        return ShardResult("segment", self._shard_id, dict(manifest.counts), seconds, reused=False), people


def segment_shard(run: Run, shard_id: str) -> ShardResult:
    """Segment one planned shard; returns at once if it is complete already.

    Raises:
        TransientError: The archive's storage cannot be reached, or memory ran out.
        BadConfigError: The models of the profile cannot be loaded.
    """
    started = time.monotonic()
    done = run.store.shard("segment", run.ids.segment, shard_id).manifest()
    if done is not None:
        return ShardResult("segment", shard_id, dict(done.counts), 0.0, reused=True)
    segmentation = Segmentation(run, shard_id)
    for _ in segmentation.images():
        pass
    return segmentation.write(time.monotonic() - started)[0]
