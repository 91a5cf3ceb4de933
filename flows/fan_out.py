"""Hand out the parts of a job to a worker pool until every part is done or has failed with a reason.

After a transient error a part is tried again later, while the workers take other parts. A part whose worker
was lost is replaced by the parts that the job names, such as its two halves. If nothing succeeds any more,
the rest is not tried: then the machine or the storage is at fault, and continuing would waste the night.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flows.pools import Ended, How, Pool, PoolGoneError
from par_core.errors import ParError, TransientError, WorkerLostError

__all__ = ["Job", "fan_out"]

_DELAYS_S: Final = (2.0, 20.0)  # delays before a part is tried again after a transient error
_MOST_RETURNS: Final = 20  # times that one part may come back because the scheduler was lost
_MOST_LOSSES_IN_A_ROW: Final = 32  # workers that may be lost while nothing is finished
_TICK_S: Final = 0.5


@dataclass(frozen=True)
class Job:
    """A job of several parts.

    Attributes:
        parts: Names of the parts, in the order of work.
        task: Function from the name of a part and the unique name of the attempt to a function and its
            arguments.
        lost: Function from the name of a part and of the attempt in which its worker was lost to the parts
            that replace it, perhaps the part itself; an error that it raises fails the part.
        most_failures_in_a_row: Number of parts that may fail in a row before the rest is not tried.
    """

    parts: Sequence[str]
    task: Callable[[str, str], tuple[Callable[..., None], tuple[Any, ...]]]
    lost: Callable[[str, str], Iterable[str]]
    most_failures_in_a_row: int


@dataclass
class _State:
    """A part that is not finished, and how often it was tried."""

    name: str
    tries: int = 0
    returns: int = 0


@dataclass
class _Run:
    job: Job
    pool: Pool
    name: str
    say: Callable[[str], None]
    todo: deque[_State]
    resting: list[tuple[float, _State]] = field(default_factory=list)
    out: dict[str, _State] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
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

    def carry_out(self) -> dict[str, Exception]:
        while ((self.todo or self.resting) and not self.stop) or self.out:
            now = time.monotonic()
            self.todo.extendleft(state for due, state in self.resting if due <= now)
            self.resting = [(due, state) for due, state in self.resting if due > now]
            try:
                while self.todo and len(self.out) < self.pool.capacity and not self.stop:
                    self._hand_out(self.todo[0])
                    self.todo.popleft()
                ended = self.pool.wait(_TICK_S)
            except PoolGoneError as error:
                return self._rest(str(error))
            except Exception as error:  # noqa: BLE001 - a pool that breaks ends the work; finished parts stay
                return self._rest(f"{type(error).__name__}: {error}")
            for end in ended:
                if end.key in self.out:
                    self._take(end)
        return self._rest(self.stop)

    def _hand_out(self, state: _State) -> None:
        self.handed_out += 1
        attempt = f"{self.name}-{self.handed_out}"
        function, arguments = self.job.task(state.name, attempt)
        self.pool.submit(attempt, function, arguments)
        self.out[attempt] = state

    def _take(self, ended: Ended) -> None:
        state = self.out.pop(ended.key)
        if ended.how is How.DONE:
            self.failures_in_a_row = self.losses_in_a_row = 0
        elif ended.how is How.LOST or isinstance(ended.error, WorkerLostError):
            self._replace(state, ended)
        elif ended.how is How.RETURNED:
            self._return(state)
        elif isinstance(ended.error, TransientError) and state.tries < len(_DELAYS_S):
            self.resting.append((time.monotonic() + _DELAYS_S[state.tries], state))
            state.tries += 1
        else:
            self._fail(state.name, ended.error)

    def _return(self, state: _State) -> None:
        state.returns += 1
        if state.returns <= _MOST_RETURNS:
            self.todo.appendleft(state)
        else:
            self._fail(
                state.name, ParError(f"the scheduler went away {state.returns} times while it was under way")
            )

    def _replace(self, state: _State, ended: Ended) -> None:
        self.losses_in_a_row += 1
        try:
            self.todo.extend(_State(name) for name in self.job.lost(state.name, ended.key))
        except Exception as error:  # noqa: BLE001 - such as a full disk; the others go on
            self._fail(state.name, error)
        else:
            self.say(f"par: a worker was lost: {ended.error}; its work is given to others")

    def _fail(self, name: str, error: BaseException | None) -> None:
        self.failures_in_a_row += 1
        self.failed[name] = error if isinstance(error, Exception) else ParError(str(error))

    def _rest(self, reason: str) -> dict[str, Exception]:
        left = [*self.out.values(), *self.todo, *(state for _, state in self.resting)]
        return self.failed | {state.name: ParError(reason) for state in left}


def fan_out(job: Job, pool: Pool, *, name: str, say: Callable[[str], None]) -> dict[str, Exception]:
    """Carry out a job.

    Args:
        job: Job to carry out.
        pool: Worker pool that carries it out.
        name: Name of this run, unique among the runs over the same store.
        say: Function that prints a line for the user when a worker was lost.

    Returns:
        The error of each part that failed or was not tried, by name; a replaced part is not among them, its
        replacements may be.
    """
    return _Run(job, pool, name, say, deque(_State(part) for part in job.parts)).carry_out()
