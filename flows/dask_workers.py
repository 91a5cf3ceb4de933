"""What workers of a Dask scheduler say about themselves: version of PAR, cores, memory, GPUs, resources."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future as Answer
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Worker", "host_of", "introduction", "offered", "phrase"]

_NAMED: Final = 8  # kinds of workers that one line tells apart


def introduction() -> Callable[[], tuple[str, str]]:
    """Return a function that returns the version of PAR and what the node has, where it is called."""

    # nested, so that it travels as code: a worker of another version may not have this module
    def introduce() -> tuple[str, str]:
        from par_core import __version__  # every version of PAR has it here

        try:
            from par_core.node import node_has
        except ImportError:  # a version that is left out anyway
            return __version__, ""
        return __version__, node_has()

    return introduce


@dataclass(slots=True)
class Worker:
    """A worker and its answer to the question for its version and what it has."""

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
