"""People in memory that processes share: an anonymous file (``memfd_create``), which no folder names, and
which ends with the last process that has it open.

A process of its own reads the index (``resident_process.py``): what reading needs on the way, several times
as much as what stays, ends with it, and threads that answer questions do not wait for it. The file cannot be
changed any more once it is written. Layout: a line with the sizes of all parts, a pickle, and the buffers of
its arrays, which readers use where they lie.
"""

import fcntl
import json
import mmap
import os
import pickle
import subprocess
import sys
import weakref
from collections.abc import Sequence
from dataclasses import fields
from itertools import accumulate
from pathlib import Path
from typing import Final

from par_core.errors import IndexChangedError, StoreError
from par_core.store.lance.resident_people import ResidentPeople

__all__ = ["ERASED", "SharedFile", "read_apart", "read_shared", "write_shared"]

#: Exit code of the process that reads: the version was erased meanwhile.
ERASED: Final = 75
_ALIGNED: Final = 64  # bytes; Arrow wants its buffers so
_UNCHANGEABLE: Final = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_WITHOUT_THREADS: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class SharedFile:
    """An anonymous file, which ends with its last user: nobody has to close it."""

    def __init__(self) -> None:
        self._descriptor = os.memfd_create("par-people", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        weakref.finalize(self, os.close, self._descriptor)

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._descriptor


def write_shared(people: ResidentPeople, descriptor: int) -> None:
    """Write people into an empty anonymous file, which nobody can change from then on.

    Args:
        people: The people.
        descriptor: Descriptor of the file.
    """
    buffers: list[pickle.PickleBuffer] = []
    state = {field.name: getattr(people, field.name) for field in fields(people) if field.name[0] != "_"}
    head = pickle.dumps(state, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(head), *(buffer.raw() for buffer in buffers)]
    line = json.dumps([part.nbytes for part in parts]).encode() + b"\n"
    with open(descriptor, "wb", closefd=False) as file:
        file.write(line)
        for start, part in zip(_starts(len(line), [part.nbytes for part in parts]), parts, strict=False):
            file.seek(start)
            file.write(part)
        file.truncate()
    del parts
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _UNCHANGEABLE)


def read_shared(descriptor: int) -> ResidentPeople:
    """Return the people of a file that :func:`write_shared` wrote; their arrays lie in the file.

    Args:
        descriptor: Descriptor of the file, which may be closed afterwards.
    """
    mapped = memoryview(
        mmap.mmap(descriptor, 0, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=mmap.PROT_READ)
    )
    line = os.pread(descriptor, mapped.nbytes, 0).partition(b"\n")[0] + b"\n"
    sizes = json.loads(line)
    parts = [
        mapped[start : start + size] for start, size in zip(_starts(len(line), sizes), sizes, strict=False)
    ]
    return ResidentPeople(**pickle.loads(parts[0], buffers=parts[1:]))  # noqa: S301 - written by PAR itself


def _starts(begin: int, sizes: Sequence[int]) -> Sequence[int]:
    """Where parts of some sizes begin, and where the last one ends."""
    rounded = (-(-size // _ALIGNED) * _ALIGNED for size in sizes)
    return list(accumulate(rounded, initial=-(-begin // _ALIGNED) * _ALIGNED))


def read_apart(path: Path, table_id: str, version: int) -> "tuple[ResidentPeople, SharedFile] | None":
    """Read the people of a version of the index, in a process of its own.

    Args:
        path: Folder of the database.
        table_id: Id of the table.
        version: Number of the version.

    Returns:
        The people, and the file that holds them; None where the files of the version do not allow it.

    Raises:
        IndexChangedError: The version was erased meanwhile.
        StoreError: The process died or failed.
    """
    file = SharedFile()
    command = [sys.executable, "-P", "-m", "par_core.store.lance.resident_process"]
    command += [str(path), table_id, str(version), str(file.fileno())]
    process = subprocess.Popen(
        command,
        env={**os.environ, **_WITHOUT_THREADS},
        stdin=subprocess.PIPE,  # it ends with this process
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=[file.fileno()],
        start_new_session=True,  # Ctrl-C is for this process
    )
    assert process.stderr is not None
    assert process.stdin is not None
    with process:
        said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode == ERASED:
        raise IndexChangedError(f"version {version} of the index at {path} was erased while it was read")
    if process.returncode:
        raise StoreError(
            f"the index at {path} could not be read into memory: the process ended with {process.returncode}"
            f" ({said.splitlines()[-1] if said else 'without a word'})"
        )
    return (read_shared(file.fileno()), file) if os.fstat(file.fileno()).st_size else None
