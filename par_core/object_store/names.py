"""Names in a working copy and in an object store."""

import re
from typing import Final

__all__ = ["ASSIGNMENTS", "COPY", "epoch_of"]

#: Folder of a working copy that holds what is known of it.
COPY: Final = ".copy"
#: What the names of the objects begin with by which a run and workers of other hosts exchange work.
ASSIGNMENTS: Final = "assignments/"
_EPOCH: Final = re.compile(
    r"files/.*@(\d+)-[0-9a-f]+|catalogue/\d+-(\d+)-[0-9a-f]+\.json\.gz|assignments/(\d+)/.*", re.DOTALL
)


def epoch_of(key: str) -> int:
    """Return the epoch in which an object was written, by its name; 0 for a name that has none.

    >>> epoch_of("files/status.json@7-0f"), epoch_of("catalogue/00000012-8-0f.json.gz"), epoch_of("x")
    (7, 8, 0)
    """
    match = _EPOCH.fullmatch(key)
    return int(next(group for group in match.groups() if group)) if match else 0
