"""The ledger: what is known of every file of the archive, as a table that each run changes where something
changed.

``files`` has a row for each file in each of its versions: the listing that holds it now, and what became of
it. A row whose file is no longer listed stays, since its people stay in the index as vanished or replaced.
``superseded`` names the shards that hold further attempts at a file: all shards that hold a file or image are
found without reading any.
Everything in a ledger follows from the listings and the finished shards, and is written again from them when
it is missing (stores of version 0.1) or damaged (``par rebuild``).
"""

from par_core.store.ledger.database import Ledger
from par_core.store.ledger.opening import open_ledger, remove_ledgers

__all__ = ["Ledger", "open_ledger", "remove_ledgers"]
