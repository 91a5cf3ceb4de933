"""segment: read and decode the images of a shard, find the people, keep box, score and mask.

One row an entry with a status, one row a person. Rows in = rows out: a file that cannot be used becomes a row
with the reason.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from par_core.archive import DecodedImage
from par_core.errors import UnreadableImageError
from par_core.models.profiles import load_segmenter
from par_core.stages.batches import run_batch
from par_core.stages.image_rows import ImageRows, counts_of
from par_core.stages.pictures import BATCH, Picture, batches_ahead, read_pictures
from par_core.stages.plan import read_work
from par_core.stages.provenance import segment_info
from par_core.stages.result import ShardResult
from par_core.stages.run import Run
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

    Raises:
        BadConfigError: The models of the profile cannot be loaded.
    """

    def __init__(self, run: Run, shard_id: str) -> None:
        self._run, self._shard_id = run, shard_id
        self._entries, attempt = read_work(run.store, shard_id)
        self._segmenter = load_segmenter(run.config)
        self._suppressed = load_suppression_list(run.store)
        self._rows = ImageRows(
            attempt, self._suppressed, run.config.segment.min_height_px, self._segmenter.fingerprint
        )

    def images(self) -> Iterator[Segmented]:
        """Read all entries and yield the images in which people were looked for, as the segmenter gives
        them; the other entries become rows.

        Raises:
            TransientError: The archive's storage cannot be reached, or memory ran out.
        """
        config = self._run.config
        pictures = read_pictures(self._entries, config.archive, self._suppressed)
        for batch in batches_ahead(pictures, config.machine.batch_size or BATCH):
            yield from self._segmented(batch)

    def _segmented(self, batch: Sequence[Picture]) -> Iterator[Segmented]:
        found: list[tuple[Picture, str, DecodedImage]] = []
        for picture in batch:
            if isinstance(picture.content, UnreadableImageError):
                self._rows.add_failure(picture, picture.content)
            elif picture.image_id is not None and picture.content is None:
                self._rows.add_copy(picture.entry, picture.image_id)
            elif picture.image_id is not None and picture.content is not None:
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
        info = segment_info(
            self._run.config,
            self._segmenter.fingerprint,
            self._segmenter.summary,
            entries=len(self._entries),
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
