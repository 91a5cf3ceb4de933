"""The commit records, ``commits/<number>.json``."""

import json
from dataclasses import asdict, dataclass, replace

from par_core.atomic import write_atomic
from par_core.store.layout import Store

__all__ = ["CommitRecord", "last_commit", "save_commit"]


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """Record of one commit.

    Attributes:
        number: 1, 2, ...
        version: LanceDB's version of the index after it.
        rows: People in the index after it.
        upserted: Rows inserted or replaced.
        deleted: Rows removed.
        profile: Name of the profile.
        segment_config: Id of the segmentation that the index shows.
        describe_config: Id of the description that the index shows.
        embedding: Fingerprint of the joint image and text model, empty if there was nothing to describe.
        shards: Number of described shards that it was made from.
    """

    number: int
    version: int
    rows: int
    upserted: int
    deleted: int
    profile: str
    segment_config: str
    describe_config: str
    embedding: str
    shards: int


def last_commit(store: Store) -> CommitRecord | None:
    """Return the newest commit record, or None."""
    records = store.commits()
    if not records:
        return None
    record = CommitRecord(**json.loads(records[-1].read_bytes()))
    segment, describe = store.current_id(record.segment_config), store.current_id(record.describe_config)
    return replace(record, segment_config=segment, describe_config=describe)


def save_commit(store: Store, record: CommitRecord) -> None:
    """Write the record of a commit."""
    path = store.root / "commits" / f"{record.number:06d}.json"
    write_atomic(path, json.dumps(asdict(record), indent=1).encode())
