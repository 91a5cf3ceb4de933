"""Erasures that a server carries out, one at a time, in a thread of its own: they take longer than a request.

Where the server ends meanwhile, ``par forget --finish`` goes on, as after any kill.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from par_core.access import Access, Caller
from par_core.errors import ParError, StoreError, TransientError
from par_core.forget import Request, find_subject, forget
from par_core.object_store.places import shown
from par_core.serve.problems import BusyError, UnknownIdError
from par_core.serve.service import ArchiveService
from par_core.store.layout import Store
from par_core.store_folder import store_folder

__all__ = ["Forgetting", "Forgettings"]

_log = logging.getLogger(__name__)
_KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class Forgetting:
    """An erasure.

    Attributes:
        name: Its name.
        people: Number of people to erase.
        state: ``running``, ``done`` or ``failed``.
        step: What it does now.
        certificate: Name of the certificate; empty before.
        left: Number of files that still hold something.
        message: Why it failed; else empty.
    """

    name: str
    people: int
    state: Literal["running", "done", "failed"] = "running"
    step: str = "looking for them"
    certificate: str = ""
    left: int = 0
    message: str = ""


class Forgettings:
    """The erasures of a server; the last ones are remembered until it ends.

    Args:
        service: The store.
        access: Its audit log.
    """

    def __init__(self, service: ArchiveService, access: Access) -> None:
        self._service, self._access = service, access
        self._known: dict[str, Forgetting] = {}
        self._lock = threading.Lock()

    def one(self, name: str) -> Forgetting:
        """Return an erasure.

        Raises:
            UnknownIdError: This server began none of this name.
        """
        with self._lock:
            if name not in self._known:
                raise UnknownIdError(
                    "this server knows no such erasure (any more); certificates/ has them all"
                )
            return self._known[name]

    def start(self, person_ids: Sequence[str], caller: Caller, how: str, source: str) -> Forgetting:
        """Begin to erase people.

        Raises:
            BadConfigError: An id is none.
            BusyError: Another erasure is under way.
        """
        request = Request.of(people=list(person_ids))
        with self._lock:
            if any(one.state == "running" for one in self._known.values()):
                raise BusyError("another erasure is under way; try again when it is done")
            begun = Forgetting(secrets.token_hex(8), len(request.values))
            self._known[begun.name] = begun
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
        work = threading.Thread(
            target=self._run, args=(begun, request, caller, how, source), name="par-forget", daemon=True
        )
        work.start()
        return begun

    def _run(self, begun: Forgetting, request: Request, caller: Caller, how: str, source: str) -> None:
        def say(step: str) -> None:
            self._put(replace(self.one(begun.name), step=step))

        try:
            self._erase(begun, request, say, caller, how, source)
        except (ParError, OSError) as error:
            said = (
                str(error)
                if isinstance(error, ParError)
                else f"the store cannot be written to: {error.strerror}"
            )
            self._put(replace(self.one(begun.name), state="failed", message=shown(said)))
            self._access.record(
                caller, "forget", "person", how=how, source=source, status=type(error).__name__
            )
        except Exception as error:  # the thread ends here, and a reader must learn that it failed
            self._put(
                replace(self.one(begun.name), state="failed", message="unexpected trouble; see the log")
            )
            _log.exception("the erasure failed (%s)", type(error).__name__)
            raise

    def _erase(
        self,
        begun: Forgetting,
        request: Request,
        say: Callable[[str], None],
        caller: Caller,
        how: str,
        source: str,
    ) -> None:
        served = self._service.store
        served.send_records()
        # the server reads a store on an object store in another copy than commands write in
        store = Store.open(store_folder(Path(served.place), writing=True))
        with store.exclusive():
            store.fetch_all()
            if store.forgetting_path.exists():
                raise StoreError(
                    "an erasure was interrupted; first finish it with: par forget --finish --store"
                    f" {store.place}"
                )
            report = forget(store, find_subject(store, request), say)
            store.erase_former()
        certificate, left = report.certificate.stem, len(report.proof.found_in)
        self._access.record(
            caller,
            "forget",
            f"{request.kind}, certificate {certificate}",
            how=how,
            source=source,
            count=begun.people,
            status="ok" if not left else "something is left",
        )
        try:
            served.refresh()
        except TransientError as error:  # it is erased; the server follows as soon as it can
            _log.warning("%s", error)
        self._put(replace(begun, state="done", step="done", certificate=certificate, left=left))

    def _put(self, forgetting: Forgetting) -> None:
        with self._lock:
            if forgetting.name in self._known:
                self._known[forgetting.name] = forgetting
