"""What a run shows while it works: a bar with rate and time left in a terminal, plain lines in a log.

Progress is read from the manifests in the store, so it is the same on every runner and never says more than what is safe on disk.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from par_core.stages.names import ConfigIds
from par_core.stages.plan import PlannedShard
from par_core.store.layout import Store

__all__ = ["say", "watch"]

_LOOK_EVERY_S: Final = 0.5
_LINE_EVERY_S: Final = 10.0


def say(text: str, stream: TextIO | None = None) -> None:
    """One line for people, on standard error."""
    print(text, file=stream or sys.stderr, flush=True)


@contextlib.contextmanager
def watch(store: Store, ids: ConfigIds, shards: Sequence[PlannedShard], *, quiet: bool) -> Iterator[None]:
    """Show how far the shards are for as long as the block runs."""
    if quiet or not shards:
        yield
        return
    done = threading.Event()
    show = _draw_bars if sys.stderr.isatty() else _print_lines
    thread = threading.Thread(target=show, args=(lambda: _counts(store, ids, shards), sum(s.n_images for s in shards), done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _counts(store: Store, ids: ConfigIds, shards: Sequence[PlannedShard]) -> tuple[int, int]:
    """Images segmented and described so far."""
    segmented = sum(shard.n_images for shard in shards if (store.shard("segment", ids.segment, shard.shard_id).path / "manifest.json").exists())
    described = sum(shard.n_images for shard in shards if (store.shard("describe", ids.describe, shard.shard_id).path / "manifest.json").exists())
    return segmented, described


def _draw_bars(count: Callable[[], tuple[int, int]], total: int, done: threading.Event) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>12}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        bars: list[TaskID] = [progress.add_task(name, total=total, rate="") for name in ("segment", "describe")]
        started = time.monotonic()
        finished = False
        while not finished:
            finished = done.wait(_LOOK_EVERY_S)
            for bar, n in zip(bars, count(), strict=True):
                progress.update(bar, completed=n, rate=_rate(n, started))


def _print_lines(count: Callable[[], tuple[int, int]], total: int, done: threading.Event) -> None:
    started, last = time.monotonic(), (-1, -1)
    while not done.wait(_LINE_EVERY_S):
        now = count()
        if now != last:
            seconds = time.monotonic() - started
            left = f", about {seconds / now[1] * (total - now[1]):.0f} s left" if now[1] else ""
            rate = f", {_rate(now[1], started)}" if now[1] else ""
            say(f"segmented {now[0]}/{total}, described {now[1]}/{total} images{rate}{left}")
        last = now


def _rate(n: int, started: float) -> str:
    return f"{n / max(time.monotonic() - started, 1e-9):.1f} images/s"
