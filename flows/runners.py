"""Runners, which carry out the tasks of a run: threads of this process, a Dask cluster on this machine, or an
existing one.

The runner is injected and must not change the result. One thread for each worker process, one process for
each core: more threads would only compete for the same cores.
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

    from par_core.object_store.assignments import AssignedStore

__all__ = ["RunnerName", "choose_runner", "n_workers", "open_pool", "with_work_for_all"]

RunnerName = Literal["threads", "dask"]

_SMALL_JOB: Final = 64  # images up to which worker processes take longer to start than they save
# malloc gives back what is freed beyond so many bytes. Networks take and free some hundred MB for each
# picture, and by itself malloc raises these limits until it gives back nothing
_GIVE_BACK: Final = dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(4 * 2**20))
# without the dashboard no pages, and no sampling of what they show: it takes 2 % of a core in each process
_NO_PAGES: Final[dict[str, Any]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
}


def n_workers(machine: MachineConfig) -> int:
    """Number of workers of a local run: as configured, else one for each core that this process may use."""
    return machine.workers or n_cores()


def with_work_for_all(machine: MachineConfig, n_parts: int) -> MachineConfig:
    """Return the settings with no more workers on this machine than parts of work, and at least one: each
    costs seconds of start and memory.
    """
    return machine.model_copy(update={"workers": max(1, min(n_workers(machine), n_parts))})


def choose_runner(machine: MachineConfig, n_images: int, *, interrupted: bool = False) -> RunnerName:
    """Return the runner for a job of this size; after a run that was killed, ``auto`` takes worker processes,
    so that this process survives a repetition.
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
    machine: MachineConfig,
    name: RunnerName,
    say: Callable[[str], None],
    log: Path | None = None,
    store: "AssignedStore | None" = None,
) -> Iterator[Pool]:
    """Open the worker pool of a runner for the length of a block.

    Args:
        machine: Workers, scheduler, device.
        name: Name of the runner, by :func:`choose_runner`.
        say: Function that prints a line for the user: what the pool waits for, which workers are left out.
        log: File for the output of worker processes on this machine; None leaves it on standard error.
        store: Store on an object store that workers of a scheduler use by themselves; None: one in a folder.

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
            client, {"GPU": 1} if machine.device == "cuda" else {}, machine.patience_s, say, revive, store
        )
        try:
            dask.start()
        except PoolGoneError as error:
            raise BadConfigError(str(error)) from error
        yield dask
    finally:
        # an error of closing the cluster must not lose the work that was finished on it
        with contextlib.suppress(Exception):
            stack.close()


@contextlib.contextmanager
def _connected(
    address: str, patience: float, say: Callable[[str], None]
) -> "Iterator[tuple[Client, Callable[[], None]]]":
    from distributed import Client

    _quieten()
    _require_certificate(address)
    _knock(address, patience, say)
    try:
        client = Client(address, timeout=patience, set_as_default=False, name="par")
    except (OSError, TimeoutError, ValueError) as error:
        raise BadConfigError(f"no Dask scheduler answers at {address}: {error}") from error
    try:
        yield client, lambda: None  # the cluster's own supervisor restarts workers
    finally:
        client.close(timeout=5)


def _require_certificate(address: str) -> None:
    """Refuse an address with TLS where Dask was given no certificate to show there.

    Raises:
        BadConfigError: A part is missing; the message names the variable.
    """
    if not address.startswith("tls://"):
        return
    import dask
    import distributed  # noqa: F401 - brings the settings

    for part in ("ca-file", "client.cert", "client.key"):
        if not dask.config.get(f"distributed.comm.tls.{part}"):
            variable = f"DASK_DISTRIBUTED__COMM__TLS__{part.upper().replace('.', '__').replace('-', '_')}"
            raise BadConfigError(
                f"{address} takes TLS, and this machine has no certificate for it: set {variable}"
                " (deployments/README.md, Many nodes)"
            )


def _knock(address: str, patience: float, say: Callable[[str], None]) -> None:
    """Wait until something listens at the address of a scheduler.

    Raises:
        BadConfigError: The text is no address, or nothing listens there in time.
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
    # workers start in the user's folder, and must not import a ctypes.py or queue.py that lies there
    os.environ["PYTHONSAFEPATH"] = "1"
    environment = one_thread_each(machine.threads_per_worker) | _GIVE_BACK
    dask.config.set({"distributed.nanny.pre-spawn-environ": environment})
    with (
        dask.config.set({} if machine.dashboard else _NO_PAGES),
        LocalCluster(**local_cluster(machine)) as cluster,
        Client(cluster, set_as_default=False, name="par") as client,
    ):
        # a nanny ends with a worker that dies in its first moments
        yield client, lambda: cluster.scale(n_workers(machine))


def local_cluster(machine: MachineConfig) -> dict[str, Any]:
    """Return the arguments of Dask's LocalCluster."""
    from distributed.security import Security

    return {
        "n_workers": n_workers(machine),
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        # keys for this run only: every user of the machine can connect to a scheduler without keys, and then
        # run code as its user
        "security": Security.temporary(),
        # Dask opens the port even without a dashboard; without routes it serves no page
        "dashboard_address": "127.0.0.1:8787" if machine.dashboard else "127.0.0.1:0",
        "silence_logs": "ERROR",
        "scheduler_kwargs": {"dashboard": machine.dashboard},
        "resources": {"GPU": 1} if machine.device == "cuda" else None,
        # Dask cannot see the memory of the models; its limits would only kill healthy workers
        "memory_limit": 0,
    }


def _quieten() -> None:
    """Silence Dask's log of connections: PAR prints its own lines about them."""
    loggers = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    for name in loggers:
        logging.getLogger(name).setLevel(logging.CRITICAL)
