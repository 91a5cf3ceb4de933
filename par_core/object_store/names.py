"""Names in a working copy."""

from typing import Final

__all__ = ["COPY"]

#: Folder of a working copy that holds what is known of it.
COPY: Final = ".copy"
