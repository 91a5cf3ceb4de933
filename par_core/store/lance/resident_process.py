"""The process that reads a version of the index into an anonymous file; ``resident_file.py`` starts it.

python -P -m par_core.store.lance.resident_process DATABASE TABLE_ID VERSION DESCRIPTOR

It writes nothing where the files of the version do not allow it, and ends at once if its standard input does.
"""

import sys
from pathlib import Path

from par_core.child_process import end_with_input
from par_core.errors import BadConfigError, IndexChangedError
from par_core.store.lance.people_index import PeopleIndex
from par_core.store.lance.resident_file import ERASED, write_shared


def main() -> None:
    """Read and write."""
    path, table_id, version, descriptor = sys.argv[1:]
    end_with_input()
    try:
        index = PeopleIndex.open(Path(path), version)
        if index is None or index.table_id != table_id:
            sys.exit(ERASED)
        index.read_resident()
    except (BadConfigError, IndexChangedError):  # there is no such version any more
        sys.exit(ERASED)
    if index.resident is not None:
        write_shared(index.resident, int(descriptor))


if __name__ == "__main__":
    main()
