"""How many scans a JPEG has. A scan of twelve bytes makes the decoder go over the whole picture once more, so
that a small file could take days to decode.
"""

import re
from typing import Final

__all__ = ["MOST_SCANS", "count_scans"]

MOST_SCANS: Final = 100  # real progressive pictures have about ten; libtiff has the same limit

#: The next marker. A zero or FF after FF belongs to the data, D0 to D7 are places to start again after an
# error.
_MARKER: Final = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_BARE: Final = frozenset([0x01, 0xD8])  # markers without anything behind them
_SCAN, _END = 0xDA, 0xD9


def count_scans(content: bytes) -> int:
    """Scans of the first picture in a file, as libjpeg finds them; what follows its end, such as the video of
    a motion photo, does not count.

    Args:
        content: Of a JPEG file; of damaged ones, what comes before the damage counts.
    """
    scans = place = 0
    while scans <= MOST_SCANS and (found := _MARKER.search(content, place)) is not None:
        kind, place = found[1][0], found.end()
        if kind == _END:
            break
        scans += kind == _SCAN
        if kind not in _BARE:
            place += max(2, int.from_bytes(content[place : place + 2], "big"))
    return scans
