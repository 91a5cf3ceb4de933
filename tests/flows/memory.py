"""A task that takes memory and frees it."""

from pathlib import Path

import numpy as np
import psutil

MB = 2**20


def take_and_free(told: str) -> None:
    """Take arrays as the networks do, free them while later ones stay, and write by how many MB the resident
    memory has grown.
    """
    np.ones(30 * MB, np.uint8)  # makes malloc keep blocks of this size from then on
    before = psutil.Process().memory_info().rss
    taken = [np.ones(20 * MB, np.uint8) for _ in range(15)]
    kept = [np.ones(MB // 8, np.uint8) for _ in range(4)]
    taken.clear()
    grown = (psutil.Process().memory_info().rss - before) // MB
    Path(told).write_text(str(grown))
    kept.clear()
