"""Preloaded into Dask workers by tests: every image takes a while, so that there is time to cut something
off.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import par_core.stages.pictures

SECONDS = float(os.environ.get("PAR_TEST_SECONDS_AN_IMAGE", "0.1"))


def _slowed(decode: Callable[..., Any]) -> Callable[..., Any]:
    def decode_slowly(*arguments: Any) -> Any:
        time.sleep(SECONDS)
        return decode(*arguments)

    return decode_slowly


if par_core.stages.pictures.decode.__name__ == "decode":  # Dask loads a preload more than once
    par_core.stages.pictures.decode = _slowed(par_core.stages.pictures.decode)
