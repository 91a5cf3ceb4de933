"""The shards that replace one whose worker was lost."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from par_core.errors import WorkerLostError
from par_core.stages.attempts import begun_by, end_attempt, was_begun
from par_core.stages.halving import give_up_image, halve, images_of
from par_core.stages.plan import PlannedShard
from par_core.stages.run import Run

__all__ = ["Losses"]

_MOST_FOR_ONE_IMAGE: Final = 2  # workers that an image may cost: one may have been lost for another reason
_MOST_UNBEGUN: Final = 8  # times that a shard may be lost before any worker began it


class Losses:
    """Remembers, for the length of a run, the shards whose workers were lost.

    Args:
        run: The run.
        shards: Planned shards of the run.

    Attributes:
        sizes: Number of images by shard of the run; halves replace the shard that they come from.
    """

    def __init__(self, run: Run, shards: Iterable[PlannedShard]) -> None:
        self.sizes = {shard.shard_id: shard.n_images for shard in shards}
        self._run = run
        self._alone: Counter[str] = Counter()
        self._unbegun: Counter[str] = Counter()

    def replace(self, shard_id: str, attempt: str) -> Sequence[str]:
        """Return the shards to work on instead of one whose worker was lost.

        No shard if it was finished all the same; the shard itself if no worker had begun it, or if it is the
        first loss of an image that is alone; else its halves. An image that has cost two workers is given
        up: it becomes a row with the status ``worker_died``, and the shard is finished without it.

        Args:
            shard_id: The shard.
            attempt: Attempt in which its worker was lost.

        Raises:
            WorkerLostError: Workers are lost with the shard again and again, without an image at fault.
        """
        run = self._run
        if run.store.shard("describe", run.ids.describe, shard_id).manifest() is not None:
            return []
        if not was_begun(run.store, shard_id, attempt):
            self._unbegun[shard_id] += 1
            if self._unbegun[shard_id] > _MOST_UNBEGUN:
                raise WorkerLostError(f"workers were lost {_MOST_UNBEGUN} times before they began it")
            return [shard_id]
        by = begun_by(run.store, shard_id, attempt)
        end_attempt(run.store, shard_id, attempt)
        if images_of(run, shard_id) > 1:
            halves = halve(run, shard_id)
            self.sizes.pop(shard_id, None)
            self.sizes |= {half.shard_id: half.n_images for half in halves}
            return [half.shard_id for half in halves]
        self._alone[shard_id] += 1
        if self._alone[shard_id] == _MOST_FOR_ONE_IMAGE:
            reason = f"{by} was lost while it worked on this image alone, for the second time"
            give_up_image(run, shard_id, reason)
        elif self._alone[shard_id] > _MOST_FOR_ONE_IMAGE:
            raise WorkerLostError(
                "workers are lost although all that is left to do is to write that its image has no people"
            )
        return [shard_id]
