"""One shard of an index run: segment, then describe. Safe to run twice: a stage that has its manifest returns
at once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from par_core.config import config_of
from par_core.errors import TransientError
from par_core.stages.attempts import attempt
from par_core.stages.names import ConfigIds
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.store.layout import Store

__all__ = ["index_shard"]


def index_shard(
    store: str, shard_id: str, settings: Mapping[str, Any], ids: Mapping[str, str], attempt_name: str
) -> None:
    """Segment and describe one shard of a store.

    Args:
        store: Folder of the store, absolute.
        shard_id: Id of a planned shard.
        settings: A RunConfig as JSON types.
        ids: The driver's ConfigIds as JSON types.
        attempt_name: Name of the attempt; it may be begun once.

    Raises:
        BadConfigError: This worker's models are not those of the driver; nothing was written.
        WorkerLostError: Another worker began this attempt and did not come back.
        TransientError: Storage or memory trouble that may pass.
    """
    opened, config = Store.open(Path(store)), config_of(settings)
    with attempt(opened, shard_id, attempt_name):
        try:
            run = Run.of(opened, config)
            run.require_ids(ConfigIds(**ids))
            process_shard(run, shard_id)
        except MemoryError as error:
            raise TransientError(f"out of memory in shard {shard_id}") from error
