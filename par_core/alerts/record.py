"""The stored form of a saved search: ``searches/NAME.json`` in the store, replaced atomically. It holds ids
and no pictures, and only its owner may read it: the address of a target may be a secret. Names of the
attributes below are the keys of the JSON.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from par_core import locks
from par_core.atomic import write_atomic
from par_core.errors import BadConfigError, StoreError
from par_core.store import named_files
from par_core.store.layout import Store
from par_core.version import __version__

__all__ = [
    "MOST_SEEN",
    "News",
    "SavedSearch",
    "all_searches",
    "free_name",
    "has_searches",
    "load_search",
    "locked",
    "remove_search",
    "save_search",
    "search_names",
]

FORMAT: Final = 1
#: People whom a saved search may find over all its runs.
MOST_SEEN: Final = 100_000
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class News:
    """The people whom one run found first.

    Attributes:
        number: Running number, from 1.
        at: When they were found: ISO time (UTC).
        index_version: Version of the index.
        people: Ids of the people, the best or the newest first.
        delivered: Whether the target has taken them; True where there is no target.
    """

    number: int
    at: str
    index_version: int
    people: tuple[str, ...]
    delivered: bool


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A question with its targets, and what is known of its answers.

    Attributes:
        name: Name of the search.
        text: The question in the query language, or None.
        where: A filter, or None.
        weak: Also hits below the cutoff.
        by: Name of the user who saved it.
        created_at: When: ISO time (UTC).
        webhook: Address to which news are sent, or None.
        secret_env: Name of the environment variable with the secret that signs them, or None.
        json_file: Absolute path of a file that holds all news that are kept, or None.
        last_run: When it ran last: ISO time (UTC); None before the first run.
        found: Number of people whom the last run found.
        trouble: Why the last run failed or could not tell its news; empty if it did not.
        segment_config: Segmentation whose ids ``seen`` has; empty before the first run.
        seen: Ids of all people who were found so far.
        images: Ids of their images.
        news: What was new, oldest first; the last hundred, and older ones that no target has taken.
    """

    name: str
    text: str | None
    where: str | None
    weak: bool
    by: str
    created_at: str
    webhook: str | None = None
    secret_env: str | None = None
    json_file: str | None = None
    last_run: str | None = None
    found: int = 0
    trouble: str = ""
    segment_config: str = ""
    seen: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    news: tuple[News, ...] = ()

    @property
    def pending(self) -> tuple[News, ...]:
        """The news that the target has not taken yet."""
        return tuple(one for one in self.news if not one.delivered)


def search_names(store: Store) -> list[str]:
    """Return the sorted names of the saved searches of a store."""
    return named_files.names_in(store.searches_path)


def has_searches(store: Store) -> bool:
    """Whether a store has a saved search."""
    return any(True for _ in store.searches_path.glob("*.json"))


def all_searches(store: Store) -> list[SavedSearch]:
    """Return the saved searches of a store by name; one that is removed meanwhile is left out.

    Raises:
        StoreError: A file is damaged.
    """
    found = []
    for name in search_names(store):
        with contextlib.suppress(BadConfigError):
            found.append(load_search(store, name))
    return found


def load_search(store: Store, name: str) -> SavedSearch:
    """Read a saved search.

    Raises:
        BadConfigError: None has this name.
        StoreError: Its file is damaged.
    """
    path = _path(store, name)
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if content.pop("format") != FORMAT:
            raise StoreError(f"{path} was written by another version of PAR ({content.get('created_by')})")
        content.pop("created_by")
        news = tuple(News(**{**one, "people": tuple(one["people"])}) for one in content.pop("news"))
        seen, images = tuple(content.pop("seen")), tuple(content.pop("images"))
        content["name"] = name
        return SavedSearch(**content, seen=seen, images=images, news=news)
    except FileNotFoundError:
        names = ", ".join(search_names(store)) or "none yet"
        raise BadConfigError(f"the store has no saved search {name!r}; there are: {names}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is damaged ({error}); remove it and save the search again") from error


def save_search(store: Store, search: SavedSearch) -> None:
    """Write a saved search in one step: after a failure the old file stays."""
    content = {"format": FORMAT, "created_by": f"par {__version__}", **asdict(search)}
    path = _path(store, search.name)
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, json.dumps(content, ensure_ascii=False).encode(), mode=_OWNER_ONLY)


def remove_search(store: Store, name: str) -> None:
    """Delete a saved search with its news.

    Raises:
        BadConfigError: None has this name.
    """
    with locked(store, name):
        try:
            _path(store, name).unlink()
        except FileNotFoundError:
            raise BadConfigError(f"the store has no saved search {name!r}") from None


def free_name(store: Store, text: str) -> str:
    """Return a name for a new saved search, made from its question or filter."""
    return named_files.free_name(store.searches_path, text, "search")


@contextlib.contextmanager
def locked(store: Store, name: str) -> Iterator[None]:
    """Hold the lock of a saved search; other processes that want to change it wait."""
    with locks.locked(_path(store, name).with_suffix(".lock")):
        yield


def _path(store: Store, name: str) -> Path:
    return named_files.named_file(store.searches_path, name, "the name of a saved search")
