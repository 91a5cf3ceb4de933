"""The shards of a plan as a job for workers that share no folder with the run: work and answers travel by the
object store, and this process adopts what was answered before it looks at how a task has ended. So the rest
of a run, such as halving a shard whose worker was lost, sees what it would see in a folder.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from flows.pools import Ended, How, Pool
from flows.shard_job import ShardJob
from par_core.errors import ParError, StoreError, WorkerLostError
from par_core.object_store.assignments import AssignedStore, Assignments
from par_core.stages.assigned_work import packed_work
from par_core.stages.attempts import note_attempt
from par_core.stages.losses import Work
from par_core.stages.run import Run
from par_core.store.plan_file import PlanFile
from tasks.assigned import index_assigned
from tasks.shards import StoppedError

__all__ = ["AssignedJob", "CollectingPool", "collected", "job_of"]


@contextlib.contextmanager
def job_of(
    run: Run,
    plan: PlanFile,
    changed: Callable[[Sequence[str]], None],
    finished: Callable[[Sequence[str]], None],
) -> Iterator[tuple[ShardJob, AssignedStore | None]]:
    """Provide the job of a run, and the store that its workers use by themselves: where they are those of a
    scheduler, and the store is on an object store. What is left of its assignments at the end is deleted.

    Args:
        run: The run, which holds its store.
        plan: Its plan.
        changed: As of ``ShardJob``.
        finished: As of ``ShardJob``.
    """
    copy, machine = run.store.copy, run.config.machine
    if copy is None or machine.scheduler is None:
        yield ShardJob(run, plan, changed, finished), None
        return
    assignments = Assignments(copy, AssignedStore.held(copy), machine.patience_s)
    assignments.begin()
    try:
        yield AssignedJob(run, plan, assignments, changed, finished), assignments.store
    finally:
        with contextlib.suppress(ParError):  # left to the next run
            assignments.clear()


def collected(pool: Pool, job: ShardJob) -> Pool:
    """Return the pool for a job: as it is, or one that adopts what was answered by the object store."""
    return CollectingPool(pool, job) if isinstance(job, AssignedJob) else pool


class AssignedJob(ShardJob):
    """A job as ``ShardJob``, for workers that share no folder with the run.

    Args:
        run: The run, which holds its store.
        plan: Its plan.
        assignments: Its assignments.
        changed: As of ``ShardJob``.
        finished: As of ``ShardJob``.
    """

    def __init__(
        self,
        run: Run,
        plan: PlanFile,
        assignments: Assignments,
        changed: Callable[[Sequence[str]], None] = lambda _: None,
        finished: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        super().__init__(run, plan, changed, finished)
        self._run, self._assignments = run, assignments
        store = assignments.store
        self._common = (run.config.model_dump(mode="json"), asdict(run.ids))
        self._place = (store.url, store.store, store.epoch)
        self._out: dict[str, tuple[Work, Sequence[tuple[int, str]]]] = {}

    def task(self, part: Work, attempt: str) -> tuple[Callable[..., None], tuple[Any, ...]]:
        """Return a function and its arguments that work on a part; writes the work for the worker to read.

        Raises:
            TransientError: The object store cannot be reached, and did not come back in time.
        """
        numbers = part if isinstance(part, range) else (-1,)
        shards = [
            (number, shard_id)
            for number, shard_id in zip(numbers, self.ids(part), strict=True)
            if not self._run.finished(shard_id)
        ]
        self._assignments.hand_out(attempt, packed_work(self._run, self._assignments.copy, shards))
        self._out[attempt] = (part, shards)
        first = part.start if isinstance(part, range) else None
        return index_assigned, (self._place, attempt, first, *self._common)

    def collect(self, ended: Ended) -> Ended:
        """Adopt what a worker has answered in an attempt that has ended, and return how it has ended: with an
        error, if it is said to have finished a shard of which there is no answer.

        Raises:
            TransientError: The object store cannot be reached, and did not come back in time.
        """
        part, shards = self._out.pop(ended.key)
        answers = self._assignments.answers(ended.key)
        self._assignments.untidy |= ended.how is not How.DONE
        self._assignments.adopt(ended.key, answers)
        error = ended.error
        stopped = error.error if isinstance(error, StoppedError) else error
        if ended.how is How.LOST or isinstance(stopped, WorkerLostError):
            for shard_id, who in answers.begun.items():
                note_attempt(self._run.store, shard_id, ended.key, who)
            return ended
        end = len(self._plan) if ended.how is How.DONE else getattr(error, "number", -1)
        missing = [each for each in shards if each[1] not in answers.done and each[0] < end]
        if not missing or ended.how is How.RETURNED:
            return ended
        number, shard_id = missing[0]
        lost = StoreError(
            f"a worker has finished shard {shard_id}, and its answer is not at {self._assignments.store.url}"
        )
        error = StoppedError(number, lost) if isinstance(part, range) else lost
        return replace(ended, how=How.FAILED, error=error)


@dataclass(frozen=True, slots=True)
class CollectingPool:
    """A worker pool whose tasks have answered by the object store.

    Attributes:
        pool: The pool.
        job: The job of all its tasks.
    """

    pool: Pool
    job: AssignedJob

    @property
    def capacity(self) -> int:
        """See ``Pool``."""
        return self.pool.capacity

    def workers(self) -> Mapping[str, int]:
        """See ``Pool``."""
        return self.pool.workers()

    def nodes(self) -> str:
        """See ``Pool``."""
        return self.pool.nodes()

    def submit(self, key: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """See ``Pool``."""
        self.pool.submit(key, function, arguments)

    def wait(self, seconds: float) -> list[Ended]:
        """See ``Pool``. What was answered in each attempt is adopted.

        Raises:
            PoolGoneError: See ``Pool``.
            TransientError: The object store cannot be reached, and did not come back in time.
        """
        return [self.job.collect(ended) for ended in self.pool.wait(seconds)]
