"""Files that are known under another name: moved, renamed or copied.

Size and version of a file suggest that it is an image which is known already; the worker that reads its bytes
decides. Of files that were read the bytes are known.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa

from par_core.archive import Entry
from par_core.store.ledger.database import Ledger
from par_core.store.schemas import KEY

__all__ = ["expected_images", "other_places"]

_SAME: Final = """
    SELECT i.uri, f.uri, f.image_id, f.shard FROM incoming i
    CROSS JOIN files f INDEXED BY files_by_version ON f.version = i.version AND f.size = i.size
    CROSS JOIN shards s ON s.shard = f.shard
    WHERE f.kind = 1 AND s.described = 1 ORDER BY i.rowid, f.uri"""

_PLACES: Final = """
    SELECT f.uri, f.size, f.version FROM files f CROSS JOIN sources s ON s.id = f.source
    WHERE f.image_id = ? AND f.kind = 1 ORDER BY s.missing, f.uri"""


def expected_images(ledger: Ledger, files: pa.Table) -> dict[str, tuple[str, str]]:
    """Return the images that some files may be: those of read files, listed or not, of the same size and
    version, in shards that are described.

    Args:
        ledger: The ledger.
        files: Columns uri, size and version; as many rows as a shard has.

    Returns:
        Id of the image and of the shard that holds its results, by uri. Of several, one of the same base name
        comes first, then the first by name.
    """
    expected: dict[str, tuple[str, str]] = {}
    same_name: set[str] = set()
    with ledger.transaction():
        ledger.execute("DELETE FROM incoming")
        ledger.execute_many(
            "INSERT INTO incoming (uri, size, version) VALUES (?, ?, ?)",
            zip(*(files[name].to_pylist() for name in KEY), strict=True),
        )
        for uri, other, image, shard in ledger.rows(_SAME):
            same = _base_name(uri) == _base_name(other)
            if uri not in expected or (same and uri not in same_name):
                expected[uri] = (image.hex(), shard.hex())
            if same:
                same_name.add(uri)
    return expected


def other_places(ledger: Ledger, images: Iterable[tuple[str, str | None]]) -> Iterator[tuple[str, Entry]]:
    """Yield listed files with the bytes of some images: those of sources that are where they were listed come
    first.

    Args:
        ledger: The ledger.
        images: A file and its image id, which is None where it was not read.

    Yields:
        The id of an image, and an entry that holds it.
    """
    own: dict[str, set[str]] = {}
    for uri, image in images:
        if image is not None:
            own.setdefault(image, set()).add(uri)
    for image, uris in own.items():
        for key in ledger.rows(_PLACES, (bytes.fromhex(image),)):
            if key[0] not in uris:
                yield image, Entry(*key)


def _base_name(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]
