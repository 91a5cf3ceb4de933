"""process: segment and describe a shard in one pass over its pictures.

Each picture is read and decoded once; its people are described from the pixels in memory. The rows are those
of ``segment_shard`` followed by ``describe_shard``, which do the work if one of the stages is done already.
A picture whose bytes another shard knows is neither decoded nor seen by a model: it gets the rows there.
A shard that is done but was labelled with other settings is labelled again.
"""

import time

from par_core.stages.describe import describe_shard, write_descriptions
from par_core.stages.known_images import KnownImage
from par_core.stages.person_rows import PersonRows
from par_core.stages.provenance import describer_record
from par_core.stages.relabel import relabel_shard
from par_core.stages.result import ShardResult
from par_core.stages.run import Run
from par_core.stages.segment import Segmentation, segment_shard

__all__ = ["process_shard"]


def process_shard(run: Run, shard_id: str) -> tuple[ShardResult, ShardResult]:
    """Segment and describe one planned shard; returns at once if it is complete already.

    Returns:
        The results of ``segment`` and ``describe``.

    Raises:
        TransientError: The archive's storage cannot be reached, or memory ran out. Nothing is written then,
            unless one of the stages was complete before.
        BadConfigError: The models of the profile cannot be loaded.
    """
    started = time.monotonic()
    segmented = run.store.shard("segment", run.ids.segment, shard_id)
    described = run.store.shard("describe", run.ids.describe, shard_id)
    if segmented.manifest() is not None or described.manifest() is not None:
        relabel_shard(run, shard_id)
        return segment_shard(run, shard_id), describe_shard(run, shard_id)
    segmentation, rows = Segmentation(run, shard_id), PersonRows(run.config)
    describing = 0.0
    for image in segmentation.images():
        begun = time.monotonic()
        if isinstance(image, KnownImage):
            for row in image.descriptions:
                rows.keep(row)
        else:
            for person in image.people:
                rows.add(person, image.pixels)
        describing += time.monotonic() - begun
    first, people = segmentation.write(time.monotonic() - started - describing)
    source = segmented.manifest()
    if source is None or not segmented.read("people").equals(people):
        # another worker finished the same shard in the meantime, with people of its own
        return first, describe_shard(run, shard_id)
    second = write_descriptions(
        run,
        shard_id,
        rows,
        (None if rows.asked else segmentation.known.described_by) or describer_record(rows.describer),
        people,
        source.info,
        started=time.monotonic() - describing,
    )
    return first, second
