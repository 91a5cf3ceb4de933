"""Commits while a run works on its shards, so that people can be found after minutes."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from par_core.errors import ParError
from par_core.plurals import number_of
from par_core.repeated import repeated
from par_core.stages.run import Run

__all__ = ["Commits"]


class Commits:
    """Collects the shards of a run that may have been finished, and commits them now and then.

    Args:
        run: The run.
        publish: Whether searches may read what was committed; False if a gate is to decide.
        say: Function that prints a line for the user.
    """

    def __init__(self, run: Run, *, publish: bool, say: Callable[[str], None]) -> None:
        self._run, self._publish, self._say = run, publish, say
        self._lock = threading.Lock()
        self._shards: list[str] = []

    def add(self, shards: Sequence[str]) -> None:
        """Note shards that may have been finished; called from any thread."""
        with self._lock:
            self._shards += shards

    def take(self) -> list[str]:
        """Return the shards that no commit has looked at yet."""
        with self._lock:
            shards, self._shards = self._shards, []
        return shards

    @contextlib.contextmanager
    def at_times(self) -> Iterator[None]:
        """Commit every few minutes (``machine.commit_every_s``) while the block runs, in a thread of its own.
        What it has not committed at the end is left for ``take``.
        """
        with repeated(self._commit, self._run.config.machine.commit_every_s):
            yield

    def _commit(self) -> None:
        from par_core.stages.commit import commit_store

        shards = self.take()
        if not shards:
            return
        try:
            record = commit_store(self._run, shards, publish=self._publish)
            self._run.store.publish()
        except (ParError, OSError) as error:  # the commit at the end of the run tries again
            self.add(shards)
            self._say(f"par: warning: a commit during the run failed: {error}")
        else:
            self._say(f"par: {number_of(record.rows, 'person')} can be found so far")
