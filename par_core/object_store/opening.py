"""The object store of a URL."""

from par_core.errors import BadConfigError
from par_core.object_store.client import Objects
from par_core.object_store.memory import MemoryObjects

__all__ = ["open_objects"]


def open_objects(url: str) -> Objects:
    """Open the objects below a URL; nothing is asked yet.

    Args:
        url: ``s3://bucket/prefix``, or ``memory://name`` within this process.

    Raises:
        BadConfigError: A store cannot be at such a URL, or the library for it is not installed.
    """
    if url.startswith("memory://"):
        return MemoryObjects(url)
    if url.startswith("s3://"):
        from par_core.object_store.s3 import S3Objects

        return S3Objects(url)
    raise BadConfigError(
        f"a store cannot be at {url}: name a folder, on this machine or mounted, or s3://BUCKET/PREFIX"
    )
