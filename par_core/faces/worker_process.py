"""A process that answers pictures over pipes, and that may hang, print garbage or die."""

import json
import os
import select
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from par_core.errors import WorkerLostError
from par_core.types import ImageU8

__all__ = ["WorkerProcess"]

_LONGEST: Final = 2**20  # bytes of an answer
_LAST_WORDS: Final = 4000  # bytes of its standard error that are looked at


class WorkerProcess:
    """A process that speaks the protocol of ``deepface_worker.py``.

    Args:
        command: Program and arguments.
        environment: All of its environment.
        start_s: Seconds until it must have said what it is.

    Attributes:
        hello: What it said first.

    Raises:
        WorkerLostError: It cannot be started, died, said nothing in time, or no JSON; holds its last words.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], start_s: float) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=dict(environment),
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise WorkerLostError(f"{command[0]} cannot be started: {error.strerror}") from error
        assert self._process.stdin is not None
        self._input = self._process.stdin.fileno()
        os.set_blocking(self._input, False)  # a worker that hangs must not hang this process
        self.hello = self._answer(time.monotonic() + start_s)

    def ask(self, picture: ImageU8, seconds: float) -> dict[str, Any]:
        """Send a picture in RGB, and return the answer.

        Args:
            picture: Picture (h, w, 3).
            seconds: Time in which it must answer.

        Raises:
            WorkerLostError: It died, did not answer in time, or not in JSON. It is stopped then.
        """
        height, width = picture.shape[:2]
        header = json.dumps({"height": height, "width": width}).encode()
        until = time.monotonic() + seconds
        try:
            self._write(struct.pack(">I", len(header)) + header + picture[:, :, ::-1].tobytes(), until)
        except OSError as error:
            raise WorkerLostError(self._stopped("died")) from error
        return self._answer(until)

    def close(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _answer(self, until: float) -> dict[str, Any]:
        try:
            length = struct.unpack(">I", self._read(4, until))[0]
            if length > _LONGEST:
                raise WorkerLostError(self._stopped("answered with something that is no frame"))
            answer = json.loads(self._read(length, until))
        except ValueError as error:
            raise WorkerLostError(self._stopped("answered with something that is no JSON")) from error
        if not isinstance(answer, dict):
            raise WorkerLostError(self._stopped("answered with something that is no JSON object"))
        return answer

    def _write(self, content: bytes, until: float) -> None:
        left = memoryview(content)
        while left:
            _, ready, _ = select.select([], [self._input], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise WorkerLostError(self._stopped("did not read its picture in time"))
            left = left[os.write(self._input, left) :]

    def _read(self, size: int, until: float) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        content = b""
        while len(content) < size:
            ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise WorkerLostError(self._stopped("did not answer in time"))
            piece = os.read(pipe, size - len(content))
            if not piece:
                raise WorkerLostError(self._stopped("died"))
            content += piece
        return content

    def _stopped(self, what: str) -> str:
        """Stop it, and say in one line what it did, with its last words."""
        self._process.kill()
        self._process.communicate()
        end = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, end - _LAST_WORDS))
        lines = self._errors.read().decode(errors="replace").split("\n")
        self._errors.close()
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"the worker {what}" + (f": {last[:300]}" if last else "")
