"""What a run shows while it works: a bar with rate and time left in a terminal, plain lines in a log.

Progress is read from the manifests in the store, so it is the same on every runner and never says more than what is safe on disk.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from par_core.stages.names import ConfigIds
from par_core.store.layout import Store

if TYPE_CHECKING:
    from flows.recording import Recorder

__all__ = ["say", "watch"]

_LOOK_EVERY_S: Final = 0.5
_LINE_EVERY_S: Final = 10.0
_END_S: Final = 10.0


def say(text: str, stream: TextIO | None = None) -> None:
    """One line for people, on standard error."""
    print(text, file=stream or sys.stderr, flush=True)


@contextlib.contextmanager
def watch(store: Store, ids: ConfigIds, sizes: Mapping[str, int], recorder: "Recorder", *, quiet: bool) -> Iterator[None]:
    """Show how far the shards are, in a terminal or log and to Prefect, for as long as the block runs.

    Args:
        store: The store.
        ids: Of the configuration.
        sizes: Images of each shard; may change while the block runs.
        recorder: Tells Prefect.
        quiet: Shows nothing here.
    """
    done, total = threading.Event(), sum(sizes.values())

    def count() -> tuple[int, int]:
        return _counts(store, ids, dict(sizes))

    def record() -> None:
        for text, described in _changes(count, total, done):
            recorder.progress(100 * described / max(total, 1), text)

    def show() -> None:
        if sys.stderr.isatty():
            _draw_bars(count, total, done)
        else:
            for text, _ in _changes(count, total, done):
                say(text)

    tasks = ([record] if recorder.records else []) + ([] if quiet else [show])  # apart, as Prefect's server may keep the first waiting
    threads = [threading.Thread(target=each, daemon=True) for each in tasks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join(_END_S)  # one that waits for Prefect's server is not waited for


def _counts(store: Store, ids: ConfigIds, sizes: Mapping[str, int]) -> tuple[int, int]:
    """Images segmented and described so far."""
    segmented = sum(size for shard, size in sizes.items() if (store.shard("segment", ids.segment, shard).path / "manifest.json").exists())
    described = sum(size for shard, size in sizes.items() if (store.shard("describe", ids.describe, shard).path / "manifest.json").exists())
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


def _changes(count: Callable[[], tuple[int, int]], total: int, done: threading.Event) -> Iterator[tuple[str, int]]:
    """A line and the images described so far, each time that there is news, and at the end."""
    started, last, over = time.monotonic(), (-1, -1), False
    while not over:
        over = done.wait(_LINE_EVERY_S)
        now = count()
        if now == last:
            continue
        seconds = time.monotonic() - started
        left = f", about {seconds / now[1] * (total - now[1]):.0f} s left" if now[1] and now[1] < total else ""
        rate = f", {_rate(now[1], started)}" if now[1] else ""
        yield f"segmented {now[0]}/{total}, described {now[1]}/{total} images{rate}{left}", now[1]
        last = now


def _rate(n: int, started: float) -> str:
    return f"{n / max(time.monotonic() - started, 1e-9):.1f} images/s"
