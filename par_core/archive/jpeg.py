"""The number of scans of a JPEG. A scan of twelve bytes makes the decoder process the whole picture again, so
a small file could take days to decode.
"""

import re
from typing import Final

__all__ = ["MOST_SCANS", "count_scans"]

MOST_SCANS: Final = 100  # real progressive pictures have about ten; libtiff has the same limit

#: The next marker. A zero or FF after FF belongs to the data, D0 to D7 are restart markers.
_MARKER: Final = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_BARE: Final = frozenset([0x01, 0xD8])  # markers without data behind them
_SCAN, _END = 0xDA, 0xD9


def count_scans(content: bytes) -> int:
    """Count the scans of the first picture in a file as libjpeg does; bytes behind its end, such as the video
    of a motion photo, do not count.

    Args:
        content: Bytes of a JPEG file; in a damaged one, the scans before the damage count.
    """
    scans = place = 0
    while scans <= MOST_SCANS and (marker := _MARKER.search(content, place)) is not None:
        kind, place = marker[1][0], marker.end()
        if kind == _END:
            break
        scans += kind == _SCAN
        if kind not in _BARE:
            place += max(2, int.from_bytes(content[place : place + 2], "big"))
    return scans
