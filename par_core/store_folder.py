"""Where a store may be."""

import re
from pathlib import Path
from typing import Final

from par_core.errors import BadConfigError

__all__ = ["store_folder"]

# as pathlib leaves it: s3://bucket becomes s3:/bucket
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(/|$)")


def store_folder(root: Path) -> Path:
    """Return the folder of a store unchanged, after a check.

    Raises:
        BadConfigError: It is a URL: a store is a folder, on this machine or on a file system that is mounted.
    """
    if _URL.match(str(root)):
        url = str(root).replace(":/", "://", 1)
        raise BadConfigError(
            f"a store cannot be at a URL yet ({url}); name a folder, on this machine or on a file system that"
            " all nodes mount"
        )
    return root
