"""Hand out the parts of a job to a worker pool until every part is done or has failed with a reason.

After a transient error a part is tried again later, while the workers take other parts. A part whose worker
was lost is replaced by the parts that the job names, such as its two halves. If nothing succeeds any more,
the rest is not tried: then the machine or the storage is at fault, and continuing would waste the night.

A job hands out its parts one at a time, so that only the parts under way are in memory, however many follow.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from flows.pools import Ended, How, Pool, PoolGoneError
from par_core.errors import ParError, TransientError, WorkerLostError

__all__ = ["Job", "ListJob", "Stop", "fan_out"]

_DELAYS_S: Final = (2.0, 20.0)  # delays before a part is tried again after a transient error
_MOST_RETURNS: Final = 20  # times that one part may come back because the scheduler was lost
_MOST_LOSSES_IN_A_ROW: Final = 32  # workers that may be lost while nothing is finished
_TICK_S: Final = 0.5

P = TypeVar("P", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Stop(Generic[P]):
    """Where the work on a part ended with an error.

    Attributes:
        error: Error that ended it.
        at: The piece of the part that it ended at.
        left: This piece and those after it.
        rest: The pieces after it; None if there are none.
        progress: Whether a piece before it was finished.
    """

    error: BaseException | None
    at: P
    left: P
    rest: P | None = None
    progress: bool = False


class Job(Protocol[P]):
    """A job of several parts.

    Attributes:
        most_failures_in_a_row: Number of parts that may fail in a row before the rest is not tried.
    """

    most_failures_in_a_row: int

    def take(self, capacity: int) -> P | None:
        """Return the next part that was not taken yet, or None; about ``capacity`` parts are under way."""

    def rest(self) -> Iterable[P]:
        """Return the parts that were not taken yet."""

    def task(self, part: P, attempt: str) -> tuple[Callable[..., None], tuple[Any, ...]]:
        """Return a function and its arguments that work on a part, in an attempt of a unique name."""

    def done(self, part: P) -> None:
        """Take note that a part is done."""

    def failed(self, part: P) -> None:
        """Take note that a part has failed for good."""

    def stopped(self, part: P, error: BaseException | None) -> Stop[P]:
        """Return where the work on a part ended with an error."""

    def lost(self, part: P, attempt: str) -> Iterable[P]:
        """Return the parts that replace a part whose worker was lost in an attempt, perhaps the part itself.
        An error that it raises fails the part.
        """


@dataclass
class ListJob:
    """A job whose parts have names and are done or not done as a whole.

    Attributes:
        parts: Names of the parts, in the order of work.
        function: Function from the name of a part and of the attempt to a function and its arguments.
        replace: Function from the name of a part and of the attempt in which its worker was lost to the parts
            that replace it.
        most_failures_in_a_row: As in Job.
    """

    parts: Sequence[str]
    function: Callable[[str, str], tuple[Callable[..., None], tuple[Any, ...]]]
    replace: Callable[[str, str], Iterable[str]]
    most_failures_in_a_row: int
    _taken: int = 0

    def take(self, capacity: int) -> str | None:
        """Return the next part, or None."""
        if self._taken == len(self.parts):
            return None
        self._taken += 1
        return self.parts[self._taken - 1]

    def rest(self) -> Sequence[str]:
        """Return the parts that were not taken yet."""
        return self.parts[self._taken :]

    def task(self, part: str, attempt: str) -> tuple[Callable[..., None], tuple[Any, ...]]:
        """Return a function and its arguments that work on a part."""
        return self.function(part, attempt)

    def done(self, part: str) -> None:
        """Take no note: what is done is seen from files."""

    def failed(self, part: str) -> None:
        """Take no note: the result of fan_out names the parts that failed."""

    def stopped(self, part: str, error: BaseException | None) -> Stop[str]:
        """Return that the work on the part ended as a whole."""
        return Stop(error, part, part)

    def lost(self, part: str, attempt: str) -> Iterable[str]:
        """Return the parts that replace a part whose worker was lost."""
        return self.replace(part, attempt)


@dataclass
class _State(Generic[P]):
    """A part that is not finished, and how often it was tried."""

    part: P
    tries: int = 0
    returns: int = 0


@dataclass
class _Run(Generic[P]):
    job: Job[P]
    pool: Pool
    name: str
    say: Callable[[str], None]
    again: deque[_State[P]] = field(default_factory=deque)  # before the parts that were not taken yet
    replacements: deque[_State[P]] = field(default_factory=deque)  # after them
    resting: list[tuple[float, _State[P]]] = field(default_factory=list)
    out: dict[str, _State[P]] = field(default_factory=dict)
    failed: dict[P, Exception] = field(default_factory=dict)
    handed_out: int = 0
    failures_in_a_row: int = 0
    losses_in_a_row: int = 0

    @property
    def stop(self) -> str:
        """Reason why no more parts are handed out; empty if they are."""
        if self.failures_in_a_row >= self.job.most_failures_in_a_row:
            return "not tried: too many shards in a row had failed"
        if self.losses_in_a_row >= _MOST_LOSSES_IN_A_ROW:
            return (
                f"not tried: {self.losses_in_a_row} workers were lost one after another, and nothing was"
                " finished in between"
            )
        return ""

    def carry_out(self) -> dict[P, Exception]:
        while self.out or (not self.stop and (self._next() or self.resting)):
            now = time.monotonic()
            self.again.extendleft(state for due, state in self.resting if due <= now)
            self.resting = [(due, state) for due, state in self.resting if due > now]
            try:
                while len(self.out) < self.pool.capacity and not self.stop and (state := self._next()):
                    self._hand_out(state)
                    self.again.popleft()
                ended = self.pool.wait(_TICK_S)
            except PoolGoneError as error:
                return self._rest(str(error))
            except Exception as error:  # noqa: BLE001 - a pool that breaks ends the work; finished parts stay
                return self._rest(f"{type(error).__name__}: {error}")
            for end in ended:
                if end.key in self.out:
                    self._take(end)
        return self._rest(self.stop)

    def _next(self) -> _State[P] | None:
        """Return the part that is handed out next; it is the first of ``again``."""
        if not self.again:
            part = self.job.take(self.pool.capacity)
            if part is not None:
                self.again.append(_State(part))
            elif self.replacements:
                self.again.append(self.replacements.popleft())
        return self.again[0] if self.again else None

    def _hand_out(self, state: _State[P]) -> None:
        self.handed_out += 1
        attempt = f"{self.name}-{self.handed_out}"
        function, arguments = self.job.task(state.part, attempt)
        self.pool.submit(attempt, function, arguments)
        self.out[attempt] = state

    def _take(self, ended: Ended) -> None:
        state = self.out.pop(ended.key)
        if ended.how is How.DONE:
            self.failures_in_a_row = self.losses_in_a_row = 0
            self.job.done(state.part)
        elif ended.how is How.LOST:
            self._replace(state, ended.key, ended.error)
        elif ended.how is How.RETURNED:
            self._return(state)
        else:
            self._stopped(state, ended)

    def _stopped(self, state: _State[P], ended: Ended) -> None:
        stop = self.job.stopped(state.part, ended.error)
        if stop.progress:
            self.failures_in_a_row = self.losses_in_a_row = 0
            state.tries = 0
        if isinstance(stop.error, WorkerLostError):
            self._replace(state, ended.key, stop.error)
        elif isinstance(stop.error, TransientError) and state.tries < len(_DELAYS_S):
            due = time.monotonic() + _DELAYS_S[state.tries]
            self.resting.append((due, _State(stop.left, state.tries + 1)))
        else:
            self._fail(stop.at, stop.error)
            if stop.rest is not None:
                self.again.appendleft(_State(stop.rest))

    def _return(self, state: _State[P]) -> None:
        state.returns += 1
        if state.returns <= _MOST_RETURNS:
            self.again.appendleft(state)
        else:
            self._fail(
                state.part, ParError(f"the scheduler went away {state.returns} times while it was under way")
            )

    def _replace(self, state: _State[P], attempt: str, error: BaseException | None) -> None:
        self.losses_in_a_row += 1
        try:
            self.replacements.extend(_State(part) for part in self.job.lost(state.part, attempt))
        except Exception as refused:  # noqa: BLE001 - such as a full disk; the others go on
            self._fail(state.part, refused)
        else:
            self.say(f"par: a worker was lost: {error}; its work is given to others")

    def _fail(self, part: P, error: BaseException | None) -> None:
        self.failures_in_a_row += 1
        self.failed[part] = error if isinstance(error, Exception) else ParError(str(error))
        self.job.failed(part)

    def _rest(self, reason: str) -> dict[P, Exception]:
        states = (*self.out.values(), *self.again, *self.replacements, *(state for _, state in self.resting))
        left = [*(state.part for state in states), *self.job.rest()]
        return self.failed | {part: ParError(reason) for part in left}


def fan_out(job: Job[P], pool: Pool, *, name: str, say: Callable[[str], None]) -> dict[P, Exception]:
    """Carry out a job.

    Args:
        job: Job to carry out.
        pool: Worker pool that carries it out.
        name: Name of this run, unique among the runs over the same store.
        say: Function that prints a line for the user when a worker was lost.

    Returns:
        The error of each part, or piece of a part, that failed or was not tried; a replaced part is not
        among them, its replacements may be.
    """
    return _Run(job, pool, name, say).carry_out()
