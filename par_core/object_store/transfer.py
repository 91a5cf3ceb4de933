"""Contents of files to and from objects, several at a time, each compared with its digest."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Final

from par_core.atomic import partial_name
from par_core.errors import StoreError
from par_core.object_store.catalogue import Part
from par_core.object_store.client import Objects
from par_core.object_store.copy_state import Mark

__all__ = ["AT_ONCE", "FILES", "download", "parts_of_file", "upload"]

#: Files that are moved at the same time.
AT_ONCE: Final = 16
#: What the names of the objects of files begin with.
FILES: Final = "files/"
_PART_BYTES: Final = 16 * 2**20
_LEDGER_BYTES: Final = 2**20  # of a file that is changed here and there
_TRIES: Final = 5


def upload(
    objects: Objects, root: Path, paths: Sequence[str], known: Mapping[str, Sequence[Part]], epoch: int
) -> dict[str, tuple[list[Part], Mark]]:
    """Write files into new objects. Parts that have not changed keep their object.

    Args:
        objects: The object store.
        root: The folder.
        paths: Files in it.
        known: Their parts in the version before, where it had them.
        epoch: Epoch of the writer.

    Returns:
        Parts of each file, and how it looked; a file that has vanished meanwhile is left out.
    """

    def one(path: str) -> tuple[list[Part], Mark] | None:
        for _ in range(_TRIES):
            try:
                with (root / path).open("rb") as file:
                    mark = Mark.of((root / path).stat())
                    parts = list(_uploaded(objects, path, file, known.get(path, ()), epoch))
                if Mark.of((root / path).stat()) == mark:
                    return parts, mark
            except FileNotFoundError:
                return None
        raise StoreError(f"{path} is being written again and again while it is uploaded")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = zip(paths, pool.map(one, paths), strict=True)
        return {path: result for path, result in done if result is not None}


def _uploaded(
    objects: Objects, path: str, file: IO[bytes], known: Sequence[Part], epoch: int
) -> Iterator[Part]:
    same = {part.sha256: part for part in known}
    for content in _pieces(path, file):
        digest = hashlib.sha256(content).hexdigest()
        part = same.get(digest)
        if part is None:
            part = Part(f"{FILES}{path}@{epoch}-{secrets.token_hex(8)}", digest, len(content))
            objects.put(part.key, content)
        yield part


def parts_of_file(path: str, file: Path) -> list[tuple[str, int]]:
    """Return digest (SHA-256) and size (bytes) of each part that a file would be uploaded in."""
    with file.open("rb") as opened:
        return [(hashlib.sha256(piece).hexdigest(), len(piece)) for piece in _pieces(path, opened)]


def _pieces(path: str, file: IO[bytes]) -> Iterator[bytes]:
    size = _LEDGER_BYTES if path.startswith("ledger/") else _PART_BYTES
    yield file.read(size)  # also of an empty file
    while content := file.read(size):
        yield content


def download(
    objects: Objects,
    root: Path,
    files: Mapping[str, Sequence[Part]],
    done: Callable[[str, Mark], None] = lambda path, mark: None,
) -> dict[str, Mark]:
    """Read files from their objects; each gets its name once it is whole.

    Args:
        objects: The object store.
        root: The folder.
        files: Their parts.
        done: Called for each file, from several threads.

    Returns:
        How each looks now.

    Raises:
        MissingObjectError: An object is gone: there is a newer version.
        StoreError: An object is not what was written.
    """

    def one(item: tuple[str, Sequence[Part]]) -> tuple[str, Mark]:
        path, parts = item
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_name(target)
        try:
            with partial.open("xb") as file:
                for part in parts:
                    file.write(_read(objects, part))
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        mark = Mark.of(target.stat())
        done(path, mark)
        return path, mark

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(pool.map(one, files.items()))


def _read(objects: Objects, part: Part) -> bytes:
    stored = objects.get(part.key)
    assert stored is not None
    if hashlib.sha256(stored.content).hexdigest() != part.sha256:
        raise StoreError(
            f"{objects.url}/{part.key} is not what was written ({len(stored.content)} bytes of {part.size});"
            " bring it back from a backup"
        )
    return stored.content
