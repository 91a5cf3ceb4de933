"""How far the run is that holds a store: a small file that the run replaces every few seconds.

The run removes it at its end. What a killed run leaves is told from a run under way by the lock of the store
and by its age.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from par_core.atomic import write_atomic
from par_core.plurals import number_of
from par_core.repeated import repeated
from par_core.store.layout import Store

__all__ = ["RunProgress", "progress_file", "read_progress"]

_WRITE_EVERY_S: Final = 2.0
_ABANDONED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is.

    Attributes:
        started_at: Time when the work on shards began, in seconds since 1970 (UTC).
        planned_shards: Shards of the plan.
        planned_images: Images of these.
        done_shards: Finished shards; a shard that was halved counts as its halves.
        done_images: Images of these.
        failed_shards: Shards that could not be finished.
        failed_images: Images of these.
        rate: Images finished a second, over the run so far.
    """

    started_at: float
    planned_shards: int
    planned_images: int
    done_shards: int
    done_images: int
    failed_shards: int
    failed_images: int
    rate: float

    @property
    def sentence(self) -> str:
        """How far the run is, in words."""
        left = self.planned_images - self.done_images - self.failed_images
        share = self.done_images / max(self.planned_images, 1)
        ends = f", about {_duration(left / self.rate)} left" if self.rate > 0 and left > 0 else ""
        failed = f", {self.failed_images} could not be finished" if self.failed_images else ""
        return (
            f"{self.done_images} of {number_of(self.planned_images, 'image')} ({share:.0%}){failed},"
            f" {self.rate:.1f} images/s{ends}"
        )


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return (
        f"{minutes / 60:.1f} h"
        if minutes >= 90
        else f"{minutes:.0f} min"
        if minutes >= 2
        else f"{seconds:.0f} s"
    )


@contextlib.contextmanager
def progress_file(store: Store, look: Callable[[], RunProgress]) -> Iterator[None]:
    """Keep the progress of a run in its store while the block runs.

    Args:
        store: The store, held by this process.
        look: Function that returns the progress; called in a thread of its own.
    """

    def keep() -> None:
        with contextlib.suppress(OSError):  # such as a full disk; the run itself reports that
            write_atomic(_path(store), json.dumps(asdict(look())).encode())

    try:
        with repeated(keep, _WRITE_EVERY_S):
            yield
    finally:
        _path(store).unlink(missing_ok=True)


def read_progress(store: Store) -> RunProgress | None:
    """Return how far the run is that holds the store; None if no run works on shards at this moment."""
    try:
        content = _path(store).read_bytes()
        age = time.time() - _path(store).stat().st_mtime
    except FileNotFoundError:
        return None
    return RunProgress(**json.loads(content)) if age < _ABANDONED_S and store.is_held() else None


def _path(store: Store) -> Path:
    return store.root / "work" / "progress.json"
