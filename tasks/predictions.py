"""One shard of an evaluation. Safe to run twice: a shard that is finished returns at once."""

from pathlib import Path

from par_core.errors import TransientError
from par_core.predictions.cache import Observation
from par_core.predictions.compute import observe_shard

__all__ = ["observe"]


def observe(folder: str, shard: int) -> None:
    """Let the models look at one shard of an observation's folder.

    Raises:
        TransientError: Storage or memory trouble that may pass.
    """
    try:
        observe_shard(Observation.open(Path(folder)), shard)
    except MemoryError as error:
        raise TransientError(f"out of memory in shard {shard}") from error
