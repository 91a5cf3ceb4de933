"""Where a store may be: in a folder, or on an object store, of which each host has a working copy."""

from pathlib import Path

from par_core.object_store.places import copy_folder, url_of
from par_core.object_store.slashes import refuse_without_slashes

__all__ = ["store_folder"]


def store_folder(root: Path, *, writing: bool = False) -> Path:
    """Return the folder that a store is worked on in: a folder unchanged, of a URL its working copy.

    Args:
        root: A folder, or a URL such as ``s3://bucket/prefix``, also as pathlib leaves it (``s3:/bucket``).
        writing: Whether a command is to change the store; of a URL it has a copy of its own.

    Raises:
        BadConfigError: A store cannot be at such a URL, or it lacks its slashes (``s3:bucket``).
    """
    refuse_without_slashes(str(root), one_will_do=True)
    url = url_of(root)
    return root if url is None else copy_folder(url, writing=writing)
