"""Where the tasks of a run are carried out: threads of this process, a Dask cluster on this machine, or one
that is there already.

The runner is injected and must not change the answer. One thread a worker process, one process a core: more
threads only fight for the same cores.
"""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from flows.pools import Pool, ThreadPool, n_cores, one_thread_each
from flows.streams import children_print_to
from par_core.config import MachineConfig
from par_core.errors import BadConfigError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["RunnerName", "choose_runner", "n_workers", "open_pool"]

RunnerName = Literal["threads", "dask"]

_SMALL_JOB: Final = 64  # images up to which starting worker processes costs more than they give
_NO_PAGES: Final[dict[str, list[str]]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


def n_workers(machine: MachineConfig) -> int:
    """Workers of a local run: as configured, else one a core that this process may use."""
    return machine.workers or n_cores()


def choose_runner(machine: MachineConfig, n_images: int, *, interrupted: bool = False) -> RunnerName:
    """What ``auto`` means for a job of this size; after a run that ended without a word, worker processes, so
    that this one outlives what ended it.
    """
    if machine.scheduler is not None:
        return "dask"
    if machine.runner == "auto":
        return (
            "threads" if not interrupted and (n_images <= _SMALL_JOB or n_workers(machine) == 1) else "dask"
        )
    return machine.runner


@contextlib.contextmanager
def open_pool(
    machine: MachineConfig, name: RunnerName, say: Callable[[str], None], log: Path | None = None
) -> Iterator[Pool]:
    """The pool of a choice, for the length of a block.

    Args:
        machine: Workers, scheduler, device.
        name: As chosen.
        say: Is told in lines for people what is waited for and who is left out.
        log: File for what worker processes on this machine print; None leaves it on standard error.

    Raises:
        BadConfigError: The scheduler cannot be reached, has no worker that can take a task, or workers of
            another version of PAR.
    """
    if name == "threads":
        with ThreadPool(n_workers(machine)) as pool:
            yield pool
        return
    from flows.dask_pool import DaskPool
    from flows.pools import PoolGoneError

    stack = contextlib.ExitStack()
    try:
        if machine.scheduler is None and log is not None:
            stack.enter_context(children_print_to(log))
        client, revive = stack.enter_context(
            _local(machine)
            if machine.scheduler is None
            else _connected(machine.scheduler, machine.patience_s, say)
        )
        dask = DaskPool(
            client, {"GPU": 1} if machine.device == "cuda" else {}, machine.patience_s, say, revive
        )
        try:
            dask.start()
        except PoolGoneError as error:
            raise BadConfigError(str(error)) from error
        yield dask
    finally:
        # a cluster that cannot be closed any more must not cost what was finished on it
        with contextlib.suppress(Exception):
            stack.close()


@contextlib.contextmanager
def _connected(
    address: str, patience: float, say: Callable[[str], None]
) -> "Iterator[tuple[Client, Callable[[], None]]]":
    from distributed import Client

    _quieten()
    _knock(address, patience, say)
    try:
        client = Client(address, timeout=patience, set_as_default=False, name="par")
    except (OSError, TimeoutError, ValueError) as error:
        raise BadConfigError(f"no Dask scheduler answers at {address}: {error}") from error
    try:
        yield client, lambda: None  # its supervisor starts workers again
    finally:
        client.close(timeout=5)


def _knock(address: str, patience: float, say: Callable[[str], None]) -> None:
    """Wait until something listens at the address of a scheduler.

    Raises:
        BadConfigError: It is no address, or nothing listens there in time.
    """
    from distributed.comm.addressing import parse_address, parse_host_port

    try:
        scheme, place = parse_address(address)
        host, port = parse_host_port(place)
    except ValueError as error:
        raise BadConfigError(
            f"{address} is no address of a Dask scheduler, such as tcp://10.0.0.5:8786: {error}"
        ) from error
    if scheme not in ("tcp", "tls"):
        raise BadConfigError(f"{address} is no address of a Dask scheduler: it begins with tcp:// or tls://")
    ends, said = time.monotonic() + patience, False
    while True:
        try:
            socket.create_connection((host, port), timeout=min(5.0, patience)).close()
            return
        except OSError as error:
            if not said:
                say(
                    f"par: no Dask scheduler answers at {address} ({error}); waiting up to {patience:.0f} s"
                    " (machine.patience_s)"
                )
                said = True
            if time.monotonic() > ends:
                raise BadConfigError(f"no Dask scheduler answers at {address}: {error}") from error
            time.sleep(min(1.0, patience))


@contextlib.contextmanager
def _local(machine: MachineConfig) -> "Iterator[tuple[Client, Callable[[], None]]]":
    import dask
    from distributed import Client, LocalCluster

    _quieten()
    # workers begin in the user's folder, and must not import a ctypes.py or queue.py that lies there
    os.environ["PYTHONSAFEPATH"] = "1"
    dask.config.set({"distributed.nanny.pre-spawn-environ": one_thread_each(machine.threads_per_worker)})
    with (
        dask.config.set({} if machine.dashboard else _NO_PAGES),
        LocalCluster(**local_cluster(machine)) as cluster,
        Client(cluster, set_as_default=False, name="par") as client,
    ):
        # a nanny ends with a worker that dies in its first moments
        yield client, lambda: cluster.scale(n_workers(machine))


def local_cluster(machine: MachineConfig) -> dict[str, Any]:
    """The arguments of Dask's LocalCluster."""
    from distributed.security import Security

    return {
        "n_workers": n_workers(machine),
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        # keys of this run alone: whoever can talk to a scheduler runs code as its user, and every user of a
        # machine can
        "security": Security.temporary(),
        # Dask listens all the same; without routes it serves no page
        "dashboard_address": "127.0.0.1:8787" if machine.dashboard else "127.0.0.1:0",
        "silence_logs": "ERROR",
        "scheduler_kwargs": {"dashboard": machine.dashboard},
        "resources": {"GPU": 1} if machine.device == "cuda" else None,
        # Dask cannot see the models' memory; its limits would only kill workers that are well
        "memory_limit": 0,
    }


def _quieten() -> None:
    """What Dask logs of connections that come and go is said in PAR's own lines."""
    for name in [each for each in logging.root.manager.loggerDict if each.split(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
