"""A server that follows a store on an object store."""

import contextlib
from collections.abc import Iterator
from typing import Final

from flows.console.lines import say
from par_core.errors import ParError
from par_core.repeated import repeated
from par_core.store.layout import Store

__all__ = ["following"]

#: Seconds between two looks for a newer version, and for records of other hosts, such as revoked tokens.
LOOKS_EVERY_S: Final = 5.0


@contextlib.contextmanager
def following(store: Store) -> Iterator[None]:
    """Follow a store on an object store while a block runs; nothing is done for a store in a folder. While
    the object store is away, the server answers from what it has; that and its end are each a line.
    """
    if store.copy is None:
        yield
        return
    away: list[str] = []

    def look() -> None:
        try:
            store.refresh()
        except (ParError, OSError) as error:
            if not away:
                say(f"par: warning: {error}; answers are of the version before until it can be read again")
            away[:] = [str(error)]
        else:
            if away:
                say(f"par: {store.place} can be read again")
            away.clear()

    with repeated(look, LOOKS_EVERY_S):
        yield
