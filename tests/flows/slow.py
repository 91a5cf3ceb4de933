"""Preloaded into Dask workers by tests: every image takes a while, so that there is time to cut something
off. With ``PAR_TEST_IMAGES_A_WORKER``, a worker never ends the image after so many, or not before there is a
file of the name ``PAR_TEST_UNTIL``.
"""

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import par_core.stages.pictures

SECONDS = float(os.environ.get("PAR_TEST_SECONDS_AN_IMAGE", "0.1"))
IMAGES = float(os.environ.get("PAR_TEST_IMAGES_A_WORKER", "inf"))
UNTIL = Path(os.environ.get("PAR_TEST_UNTIL", "/nowhere"))


def _slowed(decode: Callable[..., Any]) -> Callable[..., Any]:
    count = itertools.count()

    def decode_slowly(*arguments: Any) -> Any:
        time.sleep(SECONDS)
        while next(count) >= IMAGES and not UNTIL.exists():
            time.sleep(0.05)
        return decode(*arguments)

    return decode_slowly


if par_core.stages.pictures.decode.__name__ == "decode":  # Dask loads a preload more than once
    par_core.stages.pictures.decode = _slowed(par_core.stages.pictures.decode)
