"""Audit log: which caller asked which question, when, from where, and how many items were returned. It has
one JSON object per line under ``access/audit/<year>-<month>.jsonl``.

- A question cannot forge a line: everything is JSON in ASCII, so line breaks, control characters and
  look-alikes are escaped.
- A line is on the disk (fsync) before an answer is returned: an action that cannot be recorded fails.
- Several processes and threads may write at once. A line that a crash or a full disk cut short is ended
  before the next one, and read as a damaged line.
- Months older than ``keep_days`` are deleted as whole files, but only if the log holds an event of an earlier
  day within ``keep_days``: one event of a wrong clock deletes nothing. No other line is ever removed, and
  only the erasure of a person changes lines: it replaces ids by the word "forgotten".
"""

import calendar
import heapq
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from par_core.access.files import locked, write_private
from par_core.errors import BadConfigError, StoreError

__all__ = ["AuditLog", "Event", "LogPage"]

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})\.jsonl")
# a month and the number of its lines before the place
_PLACE: Final = re.compile(r"(\d{4}-\d{2}):(\d{1,12})", re.ASCII)
_LONGEST: Final = 4_000  # characters of a question; a longer one is cut, and the line says so


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded action of a caller.

    Attributes:
        at: ISO time (UTC), microseconds.
        who: Name of the token, or of the user of the operating system.
        how: Interface: ``cli``, ``python``, ``flow``, ``api``, ``page``.
        source: Address of the caller, or the host's name for commands; empty if unknown.
        action: ``search``, ``export``, ``forget``, ``add_token``, ...; ``damaged`` for a line that cannot be
            read.
        what: The question, as the caller wrote it.
        count: Number of items returned, such as hits or rows; None for an action that
            failed or has no items.
        status: ``ok``, ``refused``, or the name of the error.
    """

    at: str
    who: str
    how: str
    source: str
    action: str
    what: str
    count: int | None
    status: str

    @property
    def moment(self) -> datetime:
        """Time of the event, with zone."""
        return datetime.fromisoformat(self.at)

    def encodable(self) -> "Event":
        """Return a copy that can be encoded in UTF-8: characters that cannot, such as odd bytes of a file
        name in a command, are escaped.
        """

        def escaped(text: str) -> str:
            return text.encode("utf-8", "backslashreplace").decode()

        return replace(
            self,
            who=escaped(self.who),
            source=escaped(self.source),
            action=escaped(self.action),
            what=escaped(self.what),
        )


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of the log.

    Attributes:
        events: Events, newest first, encodable.
        next: Value of ``before`` for the next older page; None if there is none.
    """

    events: Sequence[Event]
    next: str | None


class AuditLog:
    """The audit log of a store.

    Args:
        folder: ``access/audit`` of the store.
        keep_days: Days for which events are kept at least; months wholly before that are deleted.
    """

    def __init__(self, folder: Path, keep_days: int) -> None:
        self.folder = folder
        self.keep_days = keep_days

    def append(self, event: Event) -> None:
        """Add a line and sync it to the disk.

        Raises:
            StoreError: The line cannot be written; then the action must not be answered.
        """
        fields = asdict(event)
        if len(event.what) > _LONGEST:
            fields["what"] = f"{event.what[:_LONGEST]} [{len(event.what) - _LONGEST} more characters]"
        line = json.dumps(fields, ensure_ascii=True).encode("ascii") + b"\n"
        try:
            with locked(self._lock):
                self._drop_old(event.moment.date())
                _append(self.folder / f"{event.at[:7]}.jsonl", line)
        except OSError as error:
            raise StoreError(
                f"the audit log under {self.folder} cannot be written ({error.strerror})"
            ) from error

    def read(self, since: datetime | None = None) -> Iterator[Event]:
        """Yield events, oldest first.

        Args:
            since: Time with zone; only events from then on. Lines that cannot be read have no time and are
                always included.

        Raises:
            StoreError: The log belongs to another user.
        """
        try:
            for path in self._months():
                if since is None or _last_day(path) >= since.astimezone(UTC).date():
                    events = (_event_of(line) for line in self._lines_of(path))
                    yield from (
                        event
                        for event in events
                        if since is None or event.action == "damaged" or event.moment >= since
                    )
        except OSError as error:
            raise StoreError(
                f"the audit log under {self.folder} cannot be read ({error.strerror}); its owner can"
            ) from error

    def latest(self, top: int, before: str | None = None) -> LogPage:
        """Return the newest events, newest first, lines that cannot be read included.

        Args:
            top: Greatest number of events.
            before: ``next`` of the previous page; None starts with the newest.

        Raises:
            BadConfigError: ``before`` does not have that form.
            StoreError: The log belongs to another user.
        """
        month, line = _place(before) if before is not None else (None, 0)
        events: list[Event] = []
        try:
            months = self._months()
            for path in reversed(months):
                if month is not None and path.stem > month:
                    continue
                lines = list(self._lines_of(path))
                end = line if path.stem == month else len(lines)
                taken = lines[max(0, end - (top - len(events))) : end]
                events += [_event_of(row).encodable() for row in reversed(taken)]
                if len(events) == top:
                    older = end > len(taken) or path != months[0]
                    return LogPage(events, f"{path.stem}:{end - len(taken)}" if older else None)
        except OSError as error:
            raise StoreError(
                f"the audit log under {self.folder} cannot be read ({error.strerror}); its owner can"
            ) from error
        return LogPage(events, None)

    def content(self) -> bytes:
        """Return all lines, in a store on an object store also those of other hosts, in no fixed order."""
        return b"".join(path.read_bytes() for folder in self._folders() for path in _months_in(folder))

    def rewrite(self, change: Callable[[str], str]) -> int:
        """Change the questions in all lines, for example to remove ids of an erased person.

        Args:
            change: Returns the new text of a question. Lines whose question it does not change stay the same,
                byte for byte.

        Returns:
            Number of changed lines.
        """
        changed = 0
        for folder in self._folders():
            with locked(folder / self._lock.name):
                for path in _months_in(folder):
                    lines = path.read_bytes().splitlines(keepends=True)
                    new = [_changed(line, change) for line in lines]
                    if new != lines:
                        changed += sum(a != b for a, b in zip(lines, new, strict=True))
                        write_private(path, b"".join(new))
        return changed

    @property
    def _lock(self) -> Path:
        return self.folder / "log.lock"

    def _folders(self) -> list[Path]:
        """The log of this host, and, in the working copy of a store on an object store, those of others."""
        others = self.folder / "of"
        return [self.folder, *(sorted(others.iterdir()) if others.is_dir() else [])]

    def _months(self) -> list[Path]:
        """A path for each month, oldest first; the file may be in a folder of another host alone."""
        names = {path.name for folder in self._folders() for path in _months_in(folder)}
        return [self.folder / name for name in sorted(names)]

    def _lines_of(self, month: Path) -> Iterator[bytes]:
        """The lines of a month by all hosts; those of several hosts by their times."""
        files = [path for folder in self._folders() if (path := folder / month.name).exists()]
        if len(files) == 1:
            return iter(files[0].read_bytes().splitlines())
        return heapq.merge(*(path.read_bytes().splitlines() for path in files), key=_time_of)

    def _drop_old(self, today: date) -> None:
        earliest = today - timedelta(days=self.keep_days)
        months = [path for folder in self._folders() for path in _months_in(folder)]
        old = [path for path in months if _last_day(path) < earliest]
        recent = [path for path in months if _last_day(path) >= earliest]
        if old and any(earliest <= day < today for day in _days_known(recent)):
            for path in old:
                path.unlink()


def _days_known(months: list[Path]) -> Iterator[date]:
    """Yield the days of the first and last event of each month. A clock that is wrong for an hour has no
    event of an earlier day near its time, and so deletes nothing.
    """
    for path in months:
        lines = path.read_bytes().splitlines()
        events = [_event_of(line) for line in (*lines[:1], *lines[-1:])]
        yield from (event.moment.date() for event in events if event.action != "damaged")


def _months_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.glob("*.jsonl") if _MONTH.fullmatch(path.name))


def _time_of(line: bytes) -> str:
    return _event_of(line).at


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a crash cut the last line short
            line = b"\n" + line
        written = os.write(descriptor, line)
        if written != len(line):
            os.ftruncate(descriptor, size)
            raise OSError(28, "no space left on the device")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _event_of(line: bytes) -> Event:
    try:
        event = Event(**json.loads(line))
        if event.moment.tzinfo is None:
            raise ValueError("a time without zone")
        return event
    except (ValueError, TypeError):
        return Event(
            "", "", "", "", "damaged", line.decode("utf-8", "backslashreplace").rstrip("\n"), None, "damaged"
        )


def _place(before: str) -> tuple[str, int]:
    place = _PLACE.fullmatch(before)
    if place is None:
        raise BadConfigError(f"before: {before[:50]!r} is no place in the audit log; give the next of a page")
    return place[1], int(place[2])


def _changed(line: bytes, change: Callable[[str], str]) -> bytes:
    event = _event_of(line)
    new = change(event.what)
    if new == event.what:
        return line
    if event.action == "damaged":
        return new.encode() + b"\n"
    return json.dumps(asdict(event) | {"what": new}, ensure_ascii=True).encode("ascii") + b"\n"


def _last_day(path: Path) -> date:
    year, month = int(path.name[:4]), int(path.name[5:7])
    return date(year, month, calendar.monthrange(year, month)[1])
