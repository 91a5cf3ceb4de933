"""status: what a store holds, in numbers. Imports nothing heavy: ``par status`` is asked often."""

from dataclasses import replace

from par_core.store.layout import Store
from par_core.store.status_file import EMPTY, StatusReport, save_status, written_status

__all__ = ["note_live", "store_status"]


def store_status(store: Store) -> StatusReport:
    """Return what a store holds, as its last plan or commit has written it down. A store of version 0.1 gets
    its ledger first.

    Raises:
        StoreError: The file is damaged, or a store of version 0.1 is being written to.
    """
    report = written_status(store)
    if report is not None or not store.commits():
        return report or EMPTY
    from par_core.stages.write_status import first_status  # heavy, and a status that was written needs none

    return first_status(store)


def note_live(store: Store, version: int) -> None:
    """Note which version searches read from now on."""
    save_status(store, replace(store_status(store), live_version=version))
