"""The shards of a plan as a job: several shards a task, so that handing them out costs little.

A task gets as many shards as take it some seconds, by the rate of the run so far; at first it gets one, and
towards the end fewer, so that all workers end at about the same time.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from flows.fan_out import Stop
from par_core.errors import WorkerLostError
from par_core.stages.losses import Losses, Work
from par_core.stages.run import Run
from par_core.store.plan_file import PlanFile
from par_core.store.run_progress import RunProgress
from tasks.shards import StoppedError, index_shard, index_shards

__all__ = ["Pace", "ShardJob"]

# of one place among those that are under way at a time; two places a worker make tasks of half the length
_SECONDS_A_TASK: Final = 30.0
_GROWTH: Final = 2  # of a task over the largest that has ended
_REMEMBERED: Final = 64  # ends of tasks that the rate is measured over


class Pace:
    """The rate of a run, and how many images make a task of a reasonable length.

    Args:
        clock: Function that returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._total = self._largest = 0
        self._ends = deque([(clock(), 0)], maxlen=_REMEMBERED)

    def ended(self, images: int) -> None:
        """Take note of a task that has ended with so many images."""
        self._total += images
        self._largest = max(self._largest, images)
        self._ends.append((self._clock(), self._total))

    def images(self, capacity: int, left: int) -> float:
        """Return the number of images of the next task.

        Args:
            capacity: Number of tasks that are under way at a time.
            left: Images that are in no task yet.
        """
        (begin, before), (end, total) = self._ends[0], self._ends[-1]
        rate = (total - before) / max(end - begin, 1e-3)
        places = max(capacity, 1)
        return min(_SECONDS_A_TASK * rate / places, _GROWTH * self._largest, left / places)


class ShardJob:
    """A job whose parts are ranges of shards of the plan, and shards that replace a lost one.

    In memory are only a place in the plan and the replacements, however large the plan is.

    Args:
        run: The run.
        plan: Its plan.
        changed: Function that is called with the ids of shards that may be finished, or were replaced by
            others, those of the plan and replacements alike, in the thread of ``fan_out``.
        finished: Function that is called with the ids of shards that are finished, each once.
    """

    most_failures_in_a_row = 3

    def __init__(
        self,
        run: Run,
        plan: PlanFile,
        changed: Callable[[Sequence[str]], None] = lambda _: None,
        finished: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._plan, self._sizes, self._streams = plan, plan.sizes, plan.table["stream"]
        self._changed, self._finished = changed, finished
        self._losses = Losses(run)
        self._root = str(run.store.root)
        self._settings, self._ids = run.config.model_dump(mode="json"), asdict(run.ids)
        self._pace = Pace()
        self._next = self._images_taken = 0
        self._done = self._failed = (0, 0)  # shards, images
        self._began, self._started_at = time.monotonic(), time.time()

    def take(self, capacity: int) -> range | None:
        """Return the numbers of the next shards for one task; all shards of a stream are in one task."""
        first = last = self._next
        stream = self._stream(first)
        wanted = self._pace.images(capacity, self._plan.n_images - self._images_taken)
        images = 0
        while last < len(self._plan) and self._stream(last) == stream:
            if last > first and not stream and images + self._sizes[last] > wanted:
                break
            images += int(self._sizes[last])
            last += 1
        self._next, self._images_taken = last, self._images_taken + images
        return range(first, last) or None

    def rest(self) -> Sequence[Work]:
        """Return the shards that are in no task yet."""
        return [range(self._next, len(self._plan))] if self._next < len(self._plan) else []

    def task(self, part: Work, attempt: str) -> tuple[Callable[..., None], tuple[Any, ...]]:
        """Return a function and its arguments that work on a part, in an attempt of a unique name."""
        common = (self._settings, self._ids, attempt)
        if isinstance(part, range):
            return index_shards, (self._root, part.start, part.stop, *common)
        return index_shard, (self._root, part, *common)

    def done(self, part: Work) -> None:
        """Take note that all shards of a part are finished."""
        ids, images = self.ids(part), self._images(part)
        self._done = (self._done[0] + len(ids), self._done[1] + images)
        self._pace.ended(images)
        self._finished(ids)
        self._changed(ids)

    def failed(self, part: Work) -> None:
        """Take note that a part has failed for good."""
        self._failed = (self._failed[0] + len(self.ids(part)), self._failed[1] + self._images(part))

    def stopped(self, part: Work, error: BaseException | None) -> Stop[Work]:
        """Return at which shard a task ended with an error; the shards before it are finished."""
        if not isinstance(part, range) or not isinstance(error, StoppedError):
            return Stop(error, part, part)
        if isinstance(error.error, WorkerLostError):
            return Stop(error.error, part, part)
        at, before = error.number, range(part.start, error.number)
        if before:
            self.done(before)
        rest = range(at + 1, part.stop)
        return Stop(error.error, range(at, at + 1), range(at, part.stop), rest or None, bool(before))

    def lost(self, part: Work, attempt: str) -> Sequence[Work]:
        """Return the parts that replace a part whose worker was lost in an attempt.

        Raises:
            WorkerLostError: Workers are lost with it again and again, without an image at fault.
        """
        self._changed(self.ids(part))
        if isinstance(part, range):
            replaced = self._losses.split(self._plan, part, attempt)
            if replaced.finished:
                self.done(replaced.finished)
            work = replaced.work
        else:
            work = self._losses.replace(part, attempt)
            if not work:
                self.done(part)
        return work

    def ids(self, part: Work) -> list[str]:
        """Return the ids of the shards of a part."""
        return self._plan.ids(part) if isinstance(part, range) else [part]

    def progress(self) -> RunProgress:
        """Return how far the run is; may be called from another thread."""
        done, failed = self._done, self._failed
        return RunProgress(
            started_at=self._started_at,
            planned_shards=len(self._plan),
            planned_images=self._plan.n_images,
            done_shards=done[0],
            done_images=done[1],
            failed_shards=failed[0],
            failed_images=failed[1],
            rate=done[1] / max(time.monotonic() - self._began, 1e-9),
        )

    def _images(self, part: Work) -> int:
        if isinstance(part, range):
            return int(self._sizes[part.start : part.stop].sum())
        return self._losses.sizes[part]

    def _stream(self, number: int) -> str:
        return str(self._streams[number]) if number < len(self._plan) else ""
