"""What all methods of an archive share: the service that answers in this process, and the audit log."""

import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from par_core.access import Access
    from par_core.config import RunConfig
    from par_core.query.from_store import Searcher
    from par_core.serve.service import ArchiveService

__all__ = ["ArchiveRecorded"]

T = TypeVar("T")


class ArchiveRecorded:
    """A store whose answers are written to its audit log."""

    path: Path
    config: "RunConfig"
    _searcher: "Searcher"

    def _recorded(self, action: str, what: str, work: Callable[[], T], count: Callable[[T], int]) -> T:
        from par_core.access import Caller

        with self._access.recording(
            Caller.local(), action, what, how="python", unrecorded=warnings.warn
        ) as event:
            answer = work()
            event.count = count(answer)
        return answer

    @cached_property
    def _service(self) -> "ArchiveService":
        from par_core.serve.service import ArchiveService

        return ArchiveService(self.path, self.config, self._searcher)

    @cached_property
    def _access(self) -> "Access":
        from par_core.access import Access
        from par_core.store.layout import Store

        return Access.open(Store.open(self.path).root, self.config.access.audit_days)
