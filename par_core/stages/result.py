"""What a stage says of a shard when it is done: small, and nothing but counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from par_core.store.layout import Stage

__all__ = ["ShardResult"]


@dataclass(frozen=True, slots=True)
class ShardResult:
    """The outcome of one stage for one shard.

    Attributes:
        stage: Which.
        shard_id: Of which shard.
        counts: Rows by status, and ``images`` or ``people`` in all.
        seconds: Wall time of the work; 0 when nothing was to do.
        reused: Whether it was complete already.
    """

    stage: Stage
    shard_id: str
    counts: Mapping[str, int]
    seconds: float
    reused: bool
