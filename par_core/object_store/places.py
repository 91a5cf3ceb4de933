"""Where working copies are: two folders a URL under the user's cache, one for reading and one for writing, so
that readers on the writer's host see a commit when everybody does.
"""

import atexit
import hashlib
import json
import os
import re
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from par_core.atomic import write_atomic
from par_core.errors import BadConfigError, ParError, StoreError
from par_core.object_store.names import COPY

if TYPE_CHECKING:  # a store in a folder needs nothing of it
    from par_core.object_store.working_copy import WorkingCopy

__all__ = ["close_copies", "copy_folder", "copy_of", "open_copies", "shown", "url_of"]

# as pathlib leaves it: s3://bucket becomes s3:/bucket
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/.*|$)")
_KINDS: Final = ("s3", "memory")
_OPEN: Final[dict[Path, "WorkingCopy"]] = {}
_LOCK: Final = threading.Lock()


def url_of(place: str | Path) -> str | None:
    """Return the URL that a place names, with two slashes and without a last one; None for a folder.

    >>> url_of("s3:/bucket/people/"), url_of("/srv/store")
    ('s3://bucket/people', None)
    """
    match = _URL.fullmatch(str(place))
    return f"{match[1].lower()}://{match[2].strip('/')}" if match else None


def copy_folder(url: str, *, writing: bool = False) -> Path:
    """Return the folder of the working copy of a store, made where it is missing.

    Args:
        url: URL of the store.
        writing: The copy of the host's writer.

    Raises:
        BadConfigError: A store cannot be at such a URL, or the cache cannot be written to.
    """
    kind, _, rest = url.partition("://")
    first = rest.partition("/")[0]
    if "@" in first or ("@" in rest and ":" in first):  # what comes before it may be a password, with slashes
        raise BadConfigError(
            "a URL of a store holds no credentials: write s3://BUCKET/PREFIX, and set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or a profile"
        )
    if kind not in _KINDS or not rest:
        raise BadConfigError(
            f"a store cannot be at {url}: name a folder, on this machine or mounted, or s3://BUCKET/PREFIX"
        )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = re.sub(r"[^A-Za-z0-9]+", "-", rest)[-40:].strip("-")
    name += "-" + hashlib.sha256(url.encode()).hexdigest()[:12]
    if kind == "memory":  # ends with the process
        name += f"-{os.getpid()}"
    folder = cache / "par" / "stores" / name / ("writer" if writing else "reader")
    marker = folder / COPY / "place.json"
    if not marker.is_file():
        if kind == "memory":
            atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
        content = {"url": url, "writing": writing, "id": os.urandom(8).hex()}
        try:
            marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.parent.chmod(0o700)
            write_atomic(marker, json.dumps(content).encode())
        except OSError as error:
            raise BadConfigError(
                f"{url} needs a working copy under {cache}, which cannot be written to ({error.strerror});"
                " set XDG_CACHE_HOME to a folder that can"
            ) from error
    return folder


def copy_of(root: Path) -> "WorkingCopy | None":
    """Return the working copy in a folder; None where the folder is a store of its own.

    Raises:
        StoreError: What says so is damaged.
    """
    found = _OPEN.get(root)
    if found is not None:
        return found
    marker = root / COPY / "place.json"
    try:
        content = json.loads(marker.read_bytes())
        url, identity, writing = content["url"], content["id"], content["writing"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{marker} is damaged ({error}); delete {root}, which is a copy: what was committed is fetched"
            " again"
        ) from error
    from par_core.object_store.working_copy import WorkingCopy

    with _LOCK:
        if not _OPEN:
            atexit.register(_close_at_exit)
        return _OPEN.setdefault(root, WorkingCopy(root, url, identity, writing=writing))


def open_copies() -> "list[WorkingCopy]":
    """Return the working copies that this process has opened."""
    return list(_OPEN.values())


def close_copies() -> None:
    """Send what this process has written into records, such as lines of the audit log, to their stores. Every
    copy is tried.

    Raises:
        StoreError: Another host has changed one of them meanwhile.
        TransientError: An object store cannot be reached; the next command on this host sends them.
    """
    troubles = []
    for copy in open_copies():
        try:
            copy.send_records()
        except ParError as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]


def _close_at_exit() -> None:
    try:
        close_copies()
    except ParError as error:
        print(f"par: warning: {error}", file=sys.stderr)


def shown(text: str) -> str:
    """Return a text for users, in which URLs stand in the place of working copies. A text on a copy itself,
    such as one that asks to delete it, keeps naming the copy: what it says must never be done to the store.
    """
    for root, copy in list(_OPEN.items()):
        if f"{root}/{COPY}" not in text:
            text = text.replace(str(root), copy.url)
    return text
