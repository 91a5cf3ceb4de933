"""What workers of a Dask scheduler say about themselves: version of PAR, cores, memory, GPUs, resources, and
whether they can use the run's object store.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future as Answer
from dataclasses import dataclass
from typing import Any, Final

from par_core.object_store.assignments import AssignedStore

__all__ = ["Worker", "host_of", "introduction", "offered", "phrase"]

_NAMED: Final = 8  # kinds of workers that one line tells apart


def introduction(store: AssignedStore | None = None) -> Callable[[], tuple[str, str, str, bool]]:
    """Return a function that returns the version of PAR, what the node has, and what keeps it from using a
    store on an object store, and whether that may pass, where it is called.

    Args:
        store: The store; None: one in a folder.
    """
    place = None if store is None else (store.url, store.store, store.epoch)

    # nested, so that it travels as code: a worker of another version may not have this module
    def introduce() -> tuple[str, str, str, bool]:
        from par_core import __version__  # every version of PAR has it here

        try:
            from par_core.node import node_has
            from par_core.object_store.assignments import AssignedStore, lack_of
        except ImportError:  # a version that is left out anyway
            return __version__, "", "", False
        lack, may_pass = ("", False) if place is None else lack_of(AssignedStore(*place))
        return __version__, node_has(), lack, may_pass

    return introduce


@dataclass(slots=True)
class Worker:
    """A worker and its answer to the question for its version, what it has and what it lacks."""

    answer: "Answer[Mapping[str, Any]]"
    asked_at: float
    named: bool = False

    @property
    def version(self) -> str | BaseException | None:
        """Version of PAR on the worker, the error of asking for it, or None while there is no answer."""
        if not self.answer.done():
            return None
        error = self.answer.exception()
        return error or next(iter(self.answer.result().values()))[0]

    @property
    def has(self) -> str:
        """What the worker has, in one phrase; its version must be known."""
        return next(iter(self.answer.result().values()))[1]

    @property
    def lack(self) -> str:
        """What keeps the worker from using the run's object store; empty if nothing does; its version must be
        known.
        """
        return next(iter(self.answer.result().values()))[2]

    @property
    def lack_may_pass(self) -> bool:
        """Whether to ask again later; its version must be known."""
        return next(iter(self.answer.result().values()))[3]


def host_of(address: str) -> str:
    """The host of an address such as ``tcp://10.0.0.5:41234``."""
    return address.rpartition("://")[2].rpartition(":")[0]


def offered(resources: Mapping[str, float]) -> str:
    """The resources that a worker was started with, such as `` (GPU=1)``; empty if there are none."""
    named = ", ".join(f"{name}={amount:g}" for name, amount in sorted(resources.items()))
    return f" ({named})" if named else ""


def phrase(workers: Iterable[tuple[str, str, str]]) -> str:
    """Return one phrase on workers, those of one host and kind together.

    Args:
        workers: Address of each worker, what it has, and the resources that it offers.
    """
    kinds = Counter(f"on {host_of(address)}, with {has}{offers}" for address, has, offers in workers)
    said = [f"{n} worker{'s' if n > 1 else ''} {kind}" for kind, n in kinds.most_common(_NAMED)]
    return "; ".join(said) + (f"; and {len(kinds) - _NAMED} kinds more" if len(kinds) > _NAMED else "")
