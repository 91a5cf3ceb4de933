"""Preloaded into Dask workers by tests: an image whose file ends with a mark kills the process that decodes
it, or the one that describes its people.
"""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import par_core.stages.person_rows
import par_core.stages.pictures

KILLS_SEGMENT = b"kills whoever segments it"
KILLS_DESCRIBE = b"kills whoever describes it"

_deadly_pixels: list[Any] = []


def _die() -> None:
    time.sleep(0.2)  # a nanny does not start a worker again that dies within the first 50 ms
    os.kill(os.getpid(), signal.SIGKILL)


def _decoding(decode: Callable[..., Any]) -> Callable[..., Any]:
    def decode_or_die(content: bytes, *arguments: Any) -> Any:
        if content.endswith(KILLS_SEGMENT):
            _die()
        image = decode(content, *arguments)
        if content.endswith(KILLS_DESCRIBE):
            _deadly_pixels.append(image.pixels)
        return image

    return decode_or_die


def _cutting(cut_out: Callable[..., Any]) -> Callable[..., Any]:
    def cut_out_or_die(image: Any, *arguments: Any) -> Any:
        if any(image is pixels for pixels in _deadly_pixels):
            _die()
        return cut_out(image, *arguments)

    return cut_out_or_die


par_core.stages.pictures.decode = _decoding(par_core.stages.pictures.decode)
par_core.stages.person_rows.cut_out = _cutting(par_core.stages.person_rows.cut_out)
