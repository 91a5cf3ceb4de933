"""Files of every kind for sources, and a source read as a whole."""

from typing import Any, Final

import boto3

from benchmarks.wire import Wire
from par_core.archive import list_source, read_entries
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.status import Status

LIMITS: Final = ArchiveConfig()
NAMES: Final = ("a.jpg", "deep/er/b.PNG", "c.txt", ".hidden.jpg", "._d.jpg", "@eaDir/e.jpg", "inner.zip")
SKIPPED: Final = {"hidden": 2, "system": 1, "not_an_image": 1, "archive": 1}


def contents(source: str) -> dict[str, bytes | Status]:
    """The bytes, or the status, by the last part of the name."""
    results = read_entries(list_source(source).entries, LIMITS)
    return {
        entry.uri.rsplit("/", 1)[-1]: content.status if isinstance(content, UnreadableImageError) else content
        for entry, content in results
    }


def s3_client(wire: Wire) -> Any:
    """A client of the S3 API behind a line."""
    return boto3.client(
        "s3",
        endpoint_url=wire.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
