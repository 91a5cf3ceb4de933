"""The result of a stage for a shard: small, and nothing but counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from par_core.store.layout import Stage

__all__ = ["ShardResult"]


@dataclass(frozen=True, slots=True)
class ShardResult:
    """The outcome of one stage for one shard.

    Attributes:
        stage: Name of the stage.
        shard_id: Id of the shard.
        counts: Rows by status, and all ``images`` or ``people``.
        seconds: Wall time of the work; 0 if there was none.
        reused: Whether the shard was complete already.
    """

    stage: Stage
    shard_id: str
    counts: Mapping[str, int]
    seconds: float
    reused: bool
