"""Names in a working copy and in an object store."""

from typing import Final

__all__ = ["ASSIGNMENTS", "COPY"]

#: Folder of a working copy that holds what is known of it.
COPY: Final = ".copy"
#: What the names of the objects begin with by which a run and workers of other hosts exchange work.
ASSIGNMENTS: Final = "assignments/"
