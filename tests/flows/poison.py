"""Preloaded into Dask workers by tests: an image whose file ends with a mark kills the process that decodes
it, in one stage or the other.
"""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import par_core.stages.describe
import par_core.stages.segment

KILLS_SEGMENT = b"kills whoever segments it"
KILLS_DESCRIBE = b"kills whoever describes it"


def _deadly(decode: Callable[..., Any], mark: bytes) -> Callable[..., Any]:
    def decode_or_die(content: bytes, *arguments: Any) -> Any:
        if content.endswith(mark):
            time.sleep(0.2)  # a nanny does not start a worker again that dies within the first 50 ms
            os.kill(os.getpid(), signal.SIGKILL)
        return decode(content, *arguments)

    return decode_or_die


par_core.stages.segment.decode = _deadly(par_core.stages.segment.decode, KILLS_SEGMENT)
par_core.stages.describe.decode = _deadly(par_core.stages.describe.decode, KILLS_DESCRIBE)
