"""What changed settings leave to do for files and shards that are finished otherwise. No model sees an image
again for it, except one that was refused.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.ids import digest_of
from par_core.stages.provenance import RULES, limits_raised, needs_relabel
from par_core.stages.run import Run
from par_core.status import Status
from par_core.store.ledger import Ledger
from par_core.store.ledger.pending import failed_in, shards_with_status, undescribed_shards

__all__ = ["fitting_now", "unfinished_shards"]

_LABELS: Final = "labels"


def fitting_now(run: Run, ledger: Ledger, sources: Sequence[str]) -> pa.Table:
    """Return the files of some sources that were refused as ``too_large``, by limits that have been raised
    since, as ``failed_in`` returns them.
    """
    failed = failed_in(ledger, sources, Status.TOO_LARGE)
    if not len(failed):
        return failed
    raised = []
    for shard_id in shards_with_status(ledger, Status.TOO_LARGE):
        manifest = run.store.shard("segment", run.ids.segment, shard_id).manifest()
        if manifest is not None and limits_raised(manifest.info, run.config.archive):
            raised.append(shard_id)
    return failed.filter(pc.is_in(failed["shard"], value_set=pa.array(raised, pa.string())))


def unfinished_shards(run: Run, ledger: Ledger) -> Iterator[tuple[str, int]]:
    """Yield id and number of images of each shard that is segmented and is to be described or relabelled.

    After a change of ``segment.min_height_px``, ``describe.thumbnails`` or the rules for second cuts, for the
    scores of cut-outs and for the names of colours, the manifests of all shards are read, until none is
    left to relabel.
    """
    yield from undescribed_shards(ledger)
    labels = digest_of(
        str(run.config.segment.min_height_px), str(run.config.describe.thumbnails), *RULES.values()
    )
    if ledger.meta(_LABELS) == labels:
        return
    in_line = True
    for shard, entries in ledger.rows("SELECT shard, entries FROM shards WHERE described = 1 ORDER BY shard"):
        segmented = run.store.shard("segment", run.ids.segment, shard.hex()).manifest()
        described = run.store.shard("describe", run.ids.describe, shard.hex()).manifest()
        if segmented and described and needs_relabel(segmented.info, described.info, run.config):
            in_line = False
            yield shard.hex(), entries
    if in_line:
        with ledger.transaction():
            ledger.set_meta(_LABELS, labels)
