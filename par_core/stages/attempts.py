"""Marks in the store that show which workers began a shard and were lost.

A worker that dies (out of memory, a library that crashes, a machine that is switched off) cannot report it.
So it leaves a mark in the store before it begins a shard, and removes it however its Python code ends. An
attempt at a shard may be begun once: a worker that finds its mark knows that the worker before was lost. A
task that works on several shards, one after another, begins each of them under the same name.
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from par_core.errors import WorkerLostError
from par_core.store.layout import Store

__all__ = ["attempt", "begun_by", "begun_in", "end_attempt", "forget_attempts", "note_attempt", "was_begun"]


@contextlib.contextmanager
def attempt(store: Store, shard_id: str, name: str) -> Iterator[None]:
    """Mark a shard as begun for the length of the block.

    Args:
        store: The store.
        shard_id: Id of the shard.
        name: Name of the attempt; the driver chooses a new one each time it hands the shard out.

    Raises:
        WorkerLostError: The attempt was begun before, and the worker that began it was lost.
    """
    mark = _mark(store, shard_id, name)
    mark.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = mark.open("x")
    except FileExistsError:
        raise WorkerLostError(
            f"{begun_by(store, shard_id, name)} was lost while it worked on shard {shard_id}"
        ) from None
    with file:
        file.write(f"{socket.gethostname()}, process {os.getpid()}")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def note_attempt(store: Store, shard_id: str, name: str, who: str) -> None:
    """Mark a shard as begun by a worker that was lost and that shares no folder with this process.

    Args:
        store: The store.
        shard_id: Id of the shard.
        name: Name of the attempt.
        who: Host and process of the worker.
    """
    mark = _mark(store, shard_id, name)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(who)


def was_begun(store: Store, shard_id: str, name: str) -> bool:
    """Whether a worker works on the shard in this attempt, or was lost while it did."""
    return _mark(store, shard_id, name).exists()


def begun_in(store: Store, name: str) -> list[str]:
    """Return the ids of the shards that are marked in an attempt."""
    ending = f".{name}.begun"
    return [path.name.removesuffix(ending) for path in (store.root / "work").glob(f"*{ending}")]


def begun_by(store: Store, shard_id: str, name: str) -> str:
    """Return host and process of the worker that began an attempt, as words for people."""
    try:
        return f"the worker on {_mark(store, shard_id, name).read_text() or 'an unknown host'}"
    except FileNotFoundError:
        return "a worker"


def end_attempt(store: Store, shard_id: str, name: str) -> None:
    """Remove the mark of an attempt whose worker was lost."""
    _mark(store, shard_id, name).unlink(missing_ok=True)


def forget_attempts(store: Store) -> bool:
    """Remove all marks.

    Returns:
        Whether there were any: a run before this one was killed while workers were at shards.
    """
    marks = list((store.root / "work").glob("*.begun"))
    for mark in marks:
        mark.unlink(missing_ok=True)
    return bool(marks)


def _mark(store: Store, shard_id: str, name: str) -> Path:
    return store.root / "work" / f"{shard_id}.{name}.begun"
