"""``par watch``: index what arrives in a folder, batch by batch.

Nothing is kept on what was seen: the store knows what is indexed, so that after a restart or a kill the first
batch finds whatever is missing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn

from flows.console.lines import say
from flows.console.passed_over import passed_over
from flows.index_report import IndexReport
from par_core.archive.arrivals import Arrivals, Stamp
from par_core.archive.entries import Entry
from par_core.errors import BadConfigError

__all__ = ["Watch"]

_LONGEST_WAIT_S: Final = 60.0  # for a folder in which something always changes
_FIRST_PAUSE_S: Final = 5.0  # after a batch that failed; doubled each time
_LONGEST_PAUSE_S: Final = 300.0
_LOOKING_SHARE: Final = 0.1  # of the time, at most, goes into looking


@dataclass
class Watch:
    """Watches one folder.

    Attributes:
        arrivals: The folder.
        index: Indexes the folder; gets a function that says which files are finished.
        every_s: Seconds between two looks.
        clock: Returns seconds.
        sleep: Waits.
    """

    arrivals: Arrivals
    index: Callable[[Callable[[Entry], bool]], IndexReport]
    every_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._done: dict[str, Stamp] | None = None  # what the last batch took; None before the first
        self._due_since: float | None = None
        self._failed = 0
        self._away = ""
        self._passed_over: set[str] = set()  # what was said

    def forever(self) -> NoReturn:
        """Index whatever arrives, until the process is stopped. What fails is a line, and is tried again.

        Raises:
            BadConfigError: The first batch cannot begin, by a wrong setting.
        """
        while True:
            pause = self._look()
            if self._is_due():
                self._batch()
            self.sleep(self._pause_after_failures() or pause)

    def once(self) -> IndexReport:
        """Wait until all files are finished, or for a minute, and index them.

        Raises:
            OSError: The folder cannot be listed.
            ParError: The batch failed.
        """
        begun = self.clock()
        while True:
            self.arrivals.look()
            quiet = self.clock() - self.arrivals.changed_at >= self.arrivals.quiet_s
            if quiet or self.clock() - begun >= max(_LONGEST_WAIT_S, self.arrivals.quiet_s):
                break
            self.sleep(min(self.every_s, self.arrivals.quiet_s))
        self._tell_passed_over()
        report = self.index(self.arrivals.is_finished)
        self._tell(report, self.arrivals.finished())
        return report

    def _look(self) -> float:
        """Look at the folder; return how long to wait until the next look."""
        begun = self.clock()
        try:
            self.arrivals.look()
        except OSError as error:
            away = f"{self.arrivals.folder} cannot be listed at this moment: {error.strerror}"
            if away != self._away:
                say(f"par: warning: {away}; it is looked at again", event="away", level="warning")
            self._away = away
        else:
            if self._away:
                say(f"par: {self.arrivals.folder} can be listed again", event="back")
            self._away = ""
            self._tell_passed_over()
        return max(self.every_s, (self.clock() - begun) * (1 / _LOOKING_SHARE - 1))

    def _is_due(self) -> bool:
        """Whether there is work, and the folder is quiet or has been waited for long enough."""
        if self._away:
            return False
        finished = self.arrivals.finished()
        if self._done is None:
            work = bool(len(self.arrivals))
        else:
            new = any(self._done.get(path) != stamp for path, stamp in finished.items())
            work = new or any(path not in self.arrivals for path in self._done)
        if not work:
            self._due_since = None
            return False
        now = self.clock()
        self._due_since = now if self._due_since is None else self._due_since
        quiet = now - self.arrivals.changed_at >= self.arrivals.quiet_s
        long = now - self._due_since >= max(_LONGEST_WAIT_S, 2 * self.arrivals.quiet_s)
        return quiet or (long and bool(finished))

    def _batch(self) -> None:
        finished = self.arrivals.finished()
        try:
            report = self.index(self.arrivals.is_finished)
        except Exception as error:  # a watch outlives what fails
            if self._done is None and not self._failed and isinstance(error, BadConfigError):
                raise
            self._failed += 1
            say(
                f"par: warning: this batch failed, and is tried again in {self._pause_after_failures():.0f}"
                f" seconds: {error}",
                event="batch_failed",
                level="warning",
            )
            return
        if report.failed_shards:
            self._failed += 1
        else:
            self._failed, self._due_since, self._done = 0, None, finished
        self._tell(report, finished)

    def _pause_after_failures(self) -> float:
        """Return the seconds until the next try; 0 where the last batch did not fail."""
        doubled = min(self._failed - 1, 16)
        return min(_FIRST_PAUSE_S * 2**doubled, _LONGEST_PAUSE_S) if self._failed else 0.0

    def _tell_passed_over(self) -> None:
        """Say once of each kind of file that may hold pictures that it is not read."""
        new = {
            kind: count for kind, count in self.arrivals.passed_over.items() if kind not in self._passed_over
        }
        if new:
            say(f"par: warning: passed over: {passed_over(new)}", event="passed_over", level="warning")
        self._passed_over.update(new)

    def _tell(self, report: IndexReport, finished: dict[str, Stamp]) -> None:
        """Print the one line of a batch."""
        plan, writing = report.plan, len(self.arrivals) - len(finished)
        gone = f", {plan.vanished} gone" if plan.vanished else ""
        still = f"; {writing} still being written" if writing else ""
        again, failures = "", report.accounting.failures
        failed = ", ".join(f"{count} {status}" for status, count in sorted(failures.items()))
        failed = f"; failed: {failed} (par status --failed lists them)" if failed else ""
        if report.failed_shards and self._failed:
            pause = self._pause_after_failures()
            again = f"; {len(report.failed_shards)} shards are tried again in {pause:.0f} seconds"
        say(
            f"par: {datetime.now():%H:%M:%S} {plan.new} new or changed{gone}: {report.sentence}"
            f"{failed}{still}{again}; {report.seconds:.1f} s",
            event="batch",
            new=plan.new,
            vanished=plan.vanished,
            writing=writing,
            people=report.commit.rows,
            failed_shards=len(report.failed_shards),
            seconds=round(report.seconds, 3),
        )
