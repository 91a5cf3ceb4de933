"""Progress of a run: bars in a terminal, plain lines in a log.

It counts tasks that have ended, on every runner, so it counts only what is safe on disk.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    track,
)

from flows.console.lines import as_json_lines, say
from par_core.store.run_progress import RunProgress

__all__ = ["Bar", "followed", "show_index_progress", "show_progress"]

T = TypeVar("T")

_LOOK_EVERY_S: Final = 0.5
_LINE_EVERY_S: Final = 10.0
_END_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Bar:
    """How far one part of the work is.

    Attributes:
        name: Name of the part.
        done: Number of finished items.
        total: Number of all items; None while it is not known.
        note: Text beside the bar, such as a rate or a loss.
    """

    name: str
    done: int
    total: int | None
    note: str = ""


def followed(items: Iterable[T], name: str, total: int) -> Iterable[T]:
    """Return an iterable over the items that draws a progress bar if standard error is a terminal."""
    console = Console(stderr=True)
    return track(
        items, name, total=total, console=console, disable=not console.is_terminal or as_json_lines()
    )


@contextlib.contextmanager
def show_progress(
    look: Callable[[], Sequence[Bar]],
    line: Callable[[Sequence[Bar], float], str],
    *,
    every_s: float = _LINE_EVERY_S,
    quiet: bool = False,
    record: Callable[[float, str], None] | None = None,
) -> Iterator[None]:
    """Show the progress of the work while the block runs.

    Args:
        look: Function that returns the current bars.
        line: Function that returns one line, from the bars and the seconds since the start.
        every_s: Seconds between two lines in a log.
        quiet: Whether nothing is shown on standard error.
        record: Function that is called with the per cent of the last bar that are done, in [0, 100], and
            the line; or None.
    """
    over = threading.Event()

    def show() -> None:
        if sys.stderr.isatty() and not as_json_lines():
            _draw(look, over)
        else:
            for bars, text in _changes(look, line, every_s, over):
                if text:
                    say(text, event="progress", done=bars[-1].done, total=bars[-1].total)

    def pass_on(record: Callable[[float, str], None]) -> None:
        for bars, text in _changes(look, line, every_s, over):
            record(100 * bars[-1].done / max(bars[-1].total or 0, 1), text)

    threads = [] if quiet else [threading.Thread(target=show, daemon=True)]
    if record is not None:  # in a thread of its own, as a server may keep it waiting
        threads.append(threading.Thread(target=pass_on, args=(record,), daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_END_S)  # a thread that hangs on a server must not hold up the end


@contextlib.contextmanager
def show_index_progress(
    progress: Callable[[], RunProgress], record: Callable[[float, str], None] | None, *, quiet: bool
) -> Iterator[None]:
    """Show how many images are described, in a terminal or log, while the block runs.

    Args:
        progress: Function that returns how far the run is.
        record: Function that is called with the per cent of the images that are described, in [0, 100], and
            a line of progress; or None.
        quiet: Whether nothing is shown on standard error.
    """

    def look() -> list[Bar]:
        now = progress()
        return [Bar("describe", now.done_images, now.planned_images, f"{now.rate:.1f} images/s")]

    def line(bars: Sequence[Bar], seconds: float) -> str:
        [bar] = bars
        total = bar.total or 0
        left = (
            f", {bar.note}, about {seconds / bar.done * (total - bar.done):.0f} s left"
            if 0 < bar.done < total
            else ""
        )
        return f"described {bar.done}/{total} images{left}"

    with show_progress(look, line, quiet=quiet, record=record):
        yield


def _draw(look: Callable[[], Sequence[Bar]], over: threading.Event) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]:>12}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {bar.name: progress.add_task(bar.name, total=bar.total, note="") for bar in look()}
        finished = False
        while not finished:
            finished = over.wait(_LOOK_EVERY_S)
            for bar in look():
                progress.update(tasks[bar.name], completed=bar.done, total=bar.total, note=bar.note)


def _changes(
    look: Callable[[], Sequence[Bar]],
    line: Callable[[Sequence[Bar], float], str],
    every_s: float,
    over: threading.Event,
) -> Iterator[tuple[Sequence[Bar], str]]:
    """The bars and their line, each time a count has changed, and at the end."""
    started, last, finished = time.monotonic(), None, False
    while not finished:
        finished = over.wait(every_s)
        bars = look()
        counts = [bar.done for bar in bars]
        if counts != last:
            yield bars, line(bars, time.monotonic() - started)
        last = counts
