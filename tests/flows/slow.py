"""Preloaded into Dask workers by tests: every image takes a while, so that there is time to cut something
off. With ``PAR_TEST_IMAGES_A_WORKER``, a worker never ends the image after so many.
"""

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import par_core.stages.pictures

SECONDS = float(os.environ.get("PAR_TEST_SECONDS_AN_IMAGE", "0.1"))
IMAGES = float(os.environ.get("PAR_TEST_IMAGES_A_WORKER", "inf"))
NEVER_S = 3_600.0


def _slowed(decode: Callable[..., Any]) -> Callable[..., Any]:
    count = itertools.count()

    def decode_slowly(*arguments: Any) -> Any:
        time.sleep(SECONDS if next(count) < IMAGES else NEVER_S)
        return decode(*arguments)

    return decode_slowly


if par_core.stages.pictures.decode.__name__ == "decode":  # Dask loads a preload more than once
    par_core.stages.pictures.decode = _slowed(par_core.stages.pictures.decode)
