"""The lease of the one writer, and its commits.

Whoever holds the lease says so again and again. A writer that is killed or cut off says nothing, and after a
while another may take the lease. It takes it by replacing the head, with a higher epoch, so that whatever the
first one does afterwards fails. Clocks only decide how soon the lease is taken, never who may commit.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from par_core.errors import BadConfigError, StoreError, TransientError
from par_core.object_store.client import Objects
from par_core.object_store.head import HEAD, Head, HeadChangedError, HeadFile, KnownHead, Lease
from par_core.repeated import repeated

__all__ = ["LEASE_S", "Holding", "LeaseLostError"]

#: Seconds for which a lease is valid after it was last renewed.
LEASE_S: Final = 120.0
_RENEWALS: Final = 4  # in that time
_SKEW_S: Final = 15.0  # by which clocks may differ before a lease is taken too early, which costs work only
_TRIES: Final = 5
_PROBE: Final = "probe-"
_AT_ONCE: Final = 6  # writers that try whether one of them passes


class LeaseLostError(StoreError):
    """Another writer has taken the lease: nothing can be committed any more."""


class Holding:
    """The lease, held.

    Args:
        objects: The object store.
        holder: Id of the working copy.
        lease_s: Seconds for which the lease is valid after each renewal.
    """

    def __init__(self, objects: Objects, holder: str, lease_s: float = LEASE_S) -> None:
        self._objects, self._holder, self._lease_s = objects, holder, lease_s
        self._file = HeadFile(objects)
        self._lock = threading.Lock()
        self._lost: str | None = None
        self.crashed = False
        self._known = self._acquire()

    @property
    def head(self) -> Head:
        """The head as this writer has last written it."""
        return self._known.head

    @property
    def known(self) -> KnownHead:
        """The head with its tag."""
        return self._known

    def _acquire(self) -> KnownHead:
        for _ in range(_TRIES):
            known = self._file.read()
            head = known.head if known else self._first()
            lease = head.lease
            if lease and lease.holder != self._holder and time.time() < lease.until + _SKEW_S:
                ends = time.strftime("%H:%M:%S", time.gmtime(lease.until + _SKEW_S))
                raise StoreError(
                    f"another par command is writing to {self._objects.url} ({lease.who}); wait for it to"
                    f" end; if it was killed, others may write from {ends} UTC on"
                )
            self.crashed = lease is not None
            try:
                return self._file.replace(replace(head, epoch=head.epoch + 1, lease=self._lease()), known)
            except HeadChangedError:  # another writer was faster
                continue
        raise StoreError(f"several par commands want to write to {self._objects.url}; try again")

    def _first(self) -> Head:
        """The head of a new store.

        Raises:
            BadConfigError: There is something else at the URL, or the server writes over what is there
                although it was asked not to: two writers would destroy the store.
        """
        url = self._objects.url
        if any(not item.key.startswith((HEAD, _PROBE)) for item in self._objects.listed("")):
            raise BadConfigError(f"{url} holds objects and is no PAR store; choose an empty prefix")
        key = f"{_PROBE}{os.urandom(8).hex()}"
        tag = self._objects.put_if(key, b"1", None)
        # the answer to the first may have been lost
        known = self._objects.get(key) if tag is None else None
        tag = known.tag if known else tag
        refuses = self._objects.put_if(key, b"2", None) is None
        refuses &= self._objects.put_if(key, b"3", '"00000000000000000000000000000000"') is None
        stored = self._objects.get(key)
        refuses = refuses and stored is not None and stored.content == b"1" and self._one_passes(key, tag)
        self._objects.delete([key])
        if not refuses:
            raise BadConfigError(
                f"the server of {url} does not keep to conditions of writes (If-Match, If-None-Match),"
                " without which two commands could destroy a store; use another server, or a newer version"
            )
        return Head(store=os.urandom(16).hex())

    def _one_passes(self, key: str, tag: str | None) -> bool:
        """Whether no more than one of several writers at the same moment passes the same condition. Servers
        that look first and write later are found in most cases.
        """
        ready = threading.Barrier(_AT_ONCE)

        def write(number: int) -> str | None:
            ready.wait()
            return self._objects.put_if(key, b"at once %d" % number, tag)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            passed = [answer for answer in pool.map(write, range(_AT_ONCE)) if answer is not None]
        return len(passed) <= 1

    def _lease(self) -> Lease:
        return Lease(
            self._holder, f"process {os.getpid()} on {socket.gethostname()}", time.time() + self._lease_s
        )

    def commit(self, change: Callable[[Head], Head]) -> KnownHead:
        """Replace the head by what a function makes of it.

        Raises:
            LeaseLostError: Another writer has taken the lease.
            TransientError: Whether it was replaced is not known.
        """
        with self._lock:
            return self._replace(lambda head: replace(change(head), lease=self._lease()))

    def _replace(self, change: Callable[[Head], Head]) -> KnownHead:
        if self._lost is not None:
            raise LeaseLostError(self._lost)
        try:
            self._known = self._file.replace(change(self._known.head), self._known)
        except HeadChangedError as error:
            found = self._file.read()
            lease = found.head.lease if found else None
            self._lost = (
                f"{self._objects.url} was taken by another writer ({lease.who if lease else 'it has ended'}),"
                " because this one was cut off for too long; what it did since its last commit is not kept:"
                " run the same command again"
            )
            raise LeaseLostError(self._lost) from error
        return self._known

    def renew(self) -> None:
        """Extend the lease. Trouble with the connection is left to the next time; a lease that is lost is
        reported by the next commit.
        """
        try:
            self.commit(lambda head: head)
        except (TransientError, LeaseLostError, BadConfigError):
            return

    def renewed(self) -> "contextlib.AbstractContextManager[None]":
        """Extend the lease again and again while a block runs."""
        return repeated(self.renew, self._lease_s / _RENEWALS)

    def release(self, change: Callable[[Head], Head] = lambda head: head) -> None:
        """Give the lease back; a lease that is lost stays with the other writer."""
        with self._lock:
            try:
                self._replace(lambda head: replace(change(head), lease=None))
            except (TransientError, LeaseLostError):  # it ends by itself
                return
