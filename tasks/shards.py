"""One shard of an index run: segment, then describe. Safe to run twice: a stage whose manifest is there
returns at once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from par_core.config import config_of
from par_core.errors import TransientError
from par_core.stages.attempts import attempt
from par_core.stages.describe import describe_shard
from par_core.stages.segment import segment_shard
from par_core.store.layout import Store

__all__ = ["index_shard"]


def index_shard(store: str, shard_id: str, settings: Mapping[str, Any], attempt_name: str) -> None:
    """Segment and describe one shard of a store.

    Args:
        store: Folder of the store, absolute.
        shard_id: Of a planned shard.
        settings: A RunConfig as JSON types.
        attempt_name: May be begun once.

    Raises:
        WorkerLostError: Another worker began this attempt and did not come back.
        TransientError: Storage or memory trouble that may pass.
    """
    opened, config = Store.open(Path(store)), config_of(settings)
    with attempt(opened, shard_id, attempt_name):
        try:
            segment_shard(opened, shard_id, config)
            describe_shard(opened, shard_id, config)
        except MemoryError as error:
            raise TransientError(f"out of memory in shard {shard_id}") from error
