"""Where the pictures of people in memory are: texts in their places, and the folders that hold them."""

import threading
from collections.abc import Sequence
from functools import reduce
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool

from par_core.store.lance.resident_people import ResidentPeople

__all__ = ["folder_of", "folders_in", "in_places"]

_folders: "WeakKeyDictionary[ResidentPeople, pa.DictionaryArray]" = WeakKeyDictionary()
_lock = threading.Lock()


def in_places(people: ResidentPeople, texts: Sequence[str]) -> Bool[np.ndarray, " n"]:
    """Return whether any place of each person's picture holds one of some texts, by position."""
    places = people.shown["uri"].chunk(0)
    found = reduce(np.logical_or, [np.array(pc.match_substring(places, text)) for text in texts])
    for position, several in people.places.items():
        found[position] = any(text in place for place in several for text in texts)
    return found


def folder_of(places: pa.Array) -> pa.Array:
    """Return the folder of each place, up to and with its last ``/``: of a member of an archive, the archive
    and the folder within it. A place holds the text of its folder, and of no other folder beside it.
    """
    return pc.replace_substring_regex(places, r"[^/]*$", "")


def folders_in(people: ResidentPeople) -> pa.DictionaryArray:
    """Return the folder of each person's picture, by position, as a dictionary; kept as long as they are."""
    with _lock:
        made = _folders.get(people)
        if made is None:
            made = _folders[people] = folder_of(people.shown["uri"].chunk(0)).dictionary_encode()
    return made
