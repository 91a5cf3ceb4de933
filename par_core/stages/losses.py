"""The work that replaces work whose worker was lost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from par_core.errors import WorkerLostError
from par_core.stages.attempts import begun_by, begun_in, end_attempt, was_begun
from par_core.stages.halving import give_up_image, halve, images_of
from par_core.stages.run import Run
from par_core.store.plan_file import PlanFile

__all__ = ["Losses", "Replaced", "Work"]

_MOST_FOR_ONE_IMAGE: Final = 2  # workers that an image may cost: one may have been lost for another reason
_MOST_UNBEGUN: Final = 8  # times that a shard may be lost before any worker began it

#: Shards that one task works on, in order: numbers of shards of the plan, or the id of a shard that replaces
#: a part of one.
Work = range | str


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of a range of shards whose worker was lost.

    Attributes:
        finished: Numbers of the shards that were finished before.
        work: Work that replaces the others.
    """

    finished: range
    work: Sequence[Work]


class Losses:
    """Remembers, for the length of a run, the shards whose workers were lost.

    Args:
        run: The run.

    Attributes:
        sizes: Number of images by id of each shard that replaces a part of another.
    """

    def __init__(self, run: Run) -> None:
        self.sizes: dict[str, int] = {}
        self._run = run
        self._alone: Counter[str] = Counter()
        self._unbegun: Counter[str] = Counter()

    def split(self, plan: PlanFile, numbers: range, attempt: str) -> Replaced:
        """Return what replaces a range of shards whose worker was lost.

        A worker takes the shards of a range in order, so the first that is not finished is the one at which
        it was lost. That shard is replaced as ``replace`` says; the shards after it are to be done as before.

        Args:
            plan: Plan of the run.
            numbers: Numbers of the shards.
            attempt: Attempt in which the worker was lost.

        Raises:
            WorkerLostError: Workers are lost with the shard again and again, without an image at fault.
        """
        ids = dict(zip(numbers, plan.ids(numbers), strict=True))
        at = next(
            (number for number, shard_id in ids.items() if not self._run.finished(shard_id)), numbers.stop
        )
        finished, after = range(numbers.start, at), range(at + 1, numbers.stop)
        pieces = [] if at == numbers.stop else self.replace(ids[at], attempt)
        for shard_id in begun_in(self._run.store, attempt):  # finished, and lost before the mark was removed
            end_attempt(self._run.store, shard_id, attempt)
        if pieces == [ids.get(at)]:
            return Replaced(finished, [range(at, numbers.stop)])
        return Replaced(finished, [*pieces, *([after] if after else [])])

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
        if run.finished(shard_id):
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
