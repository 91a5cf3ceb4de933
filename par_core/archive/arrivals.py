"""What arrives in a folder, and which of it is finished.

A file is finished once size and time of change stayed the same over a quiet time, on this process's clock:
nothing depends on the clock of the machine that writes, and folders on a network are looked at like others.
"""

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from par_core.archive.containers import container_of, is_container_name
from par_core.archive.entries import Entry, is_hidden, path_of
from par_core.archive.formats import why_passed_over
from par_core.status import Status

__all__ = ["Arrivals", "Stamp"]

Stamp = tuple[int, int]
"""Size in bytes, and time of change in nanoseconds."""


@dataclass
class Arrivals:
    """The files of a folder that PAR would list, each with the moment since when it has not changed.

    Attributes:
        folder: The folder.
        quiet_s: Seconds without a change after which a file is finished.
        containers: Whether zip and tar files are wanted too.
        clock: Returns seconds.
        changed_at: When anything changed last, on that clock.
        passed_over: Number of files of the last look that hold or may hold pictures and are not read:
            ``archive``, or the suffix of a format.
    """

    folder: Path
    quiet_s: float
    containers: bool = False
    clock: Callable[[], float] = time.monotonic
    changed_at: float = field(init=False)
    passed_over: Counter[str] = field(default_factory=Counter, init=False)
    _files: dict[str, tuple[Stamp, float]] = field(default_factory=dict, init=False)
    _now: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.changed_at = self.clock()

    def look(self) -> None:
        """Look at the folder.

        Raises:
            OSError: The folder itself cannot be listed; nothing is forgotten.
        """
        files: dict[str, tuple[Stamp, float]] = {}
        passed_over: Counter[str] = Counter()
        found = list(self._walk(passed_over))
        now = self.clock()
        for path, stamp in found:
            before = self._files.get(path)
            files[path] = before if before is not None and before[0] == stamp else (stamp, now)
        if files != self._files:
            self.changed_at = now
        self._files, self._now, self.passed_over = files, now, passed_over

    def finished(self) -> dict[str, Stamp]:
        """Return the finished files by path, as of the last look."""
        return {
            path: stamp for path, (stamp, since) in self._files.items() if self._now - since >= self.quiet_s
        }

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def is_finished(self, entry: Entry) -> bool:
        """Whether an entry of a listing is a finished file, as it was at the last look, or of one. An entry
        that cannot be read, such as a link that leads nowhere, is.
        """
        container = container_of(entry.uri)
        path = os.fsdecode(path_of(entry.uri if container is None else container))
        known = self._files.get(path)
        if known is None:
            return entry.status is not Status.OK and not is_container_name(path)
        stamp, since = known
        if self._now - since < self.quiet_s:
            return False
        if container is None and entry.status is Status.OK:
            return (entry.size, int(entry.version)) == stamp
        try:
            info = os.stat(path)
        except OSError:
            return False
        return (info.st_size, info.st_mtime_ns) == stamp

    def _walk(self, passed_over: Counter[str]) -> Iterator[tuple[str, Stamp]]:
        root = os.path.realpath(self.folder)
        folders = [root]
        while folders:
            folder = folders.pop()
            try:
                listed = list(os.scandir(folder))
            except OSError:
                if folder == root:
                    raise
                continue  # par index names it
            for item in listed:
                if is_hidden(item.name):
                    continue
                try:
                    if item.is_dir(follow_symlinks=False):
                        folders.append(item.path)
                        continue
                    reason = self._why_passed_over(item.name)
                    if reason is None:
                        info = item.stat()
                        if stat.S_ISREG(info.st_mode):
                            yield item.path, (info.st_size, info.st_mtime_ns)
                    elif reason == "archive" or reason.startswith("."):
                        passed_over[reason] += 1
                except OSError:  # gone just now, or a link that leads nowhere
                    continue

    def _why_passed_over(self, name: str) -> str | None:
        """Return why a file is not wanted, or None."""
        if is_container_name(name):
            return None if self.containers else "archive"
        return why_passed_over(name)
