"""Sums over the manifests of finished shards, by stage and host: what a run has done so far, and where."""

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Final

from par_core.stages.names import ConfigIds
from par_core.store.layout import Stage, Store

__all__ = ["ShardTotals"]

_SUMS: Final = frozenset(["images", "people"])  # the other counts of a manifest are rows by status


class ShardTotals:
    """The sums. May be read by another thread than the one that adds.

    Args:
        store: The store.
        ids: Ids of the configuration.
        segmented: Ids of shards that were segmented before the run; their segmentation is not counted.
    """

    def __init__(self, store: Store, ids: ConfigIds, segmented: Iterable[str] = ()) -> None:
        self._store, self._ids, self._segmented = store, ids, frozenset(segmented)
        self._lock = threading.Lock()
        self._seconds: Counter[tuple[str, str]] = Counter()
        self._shards: Counter[tuple[str, str]] = Counter()
        self._rows: Counter[tuple[str, str]] = Counter()

    def add(self, shard_ids: Iterable[str]) -> None:
        """Add shards that have been finished; each may be added once. One without a manifest, such as one
        that was replaced by its halves, counts as nothing.

        Raises:
            StoreError: A manifest is damaged.
        """
        for shard_id in shard_ids:
            if shard_id not in self._segmented:
                self._add("segment", self._ids.segment, shard_id)
            self._add("describe", self._ids.describe, shard_id)

    def _add(self, stage: Stage, config: str, shard_id: str) -> None:
        manifest = self._store.shard(stage, config, shard_id).manifest()
        if manifest is None:
            return
        place = (stage, str(manifest.info.get("host", "unknown")))
        with self._lock:
            self._shards[place] += 1
            self._seconds[place] += manifest.info.get("seconds", 0.0)
            for name, count in manifest.counts.items():
                if name not in _SUMS:
                    self._rows[stage, name] += count

    @property
    def seconds(self) -> dict[tuple[str, str], float]:
        """Seconds of work by stage and host."""
        with self._lock:
            return dict(self._seconds)

    @property
    def shards(self) -> dict[tuple[str, str], int]:
        """Finished shards by stage and host."""
        with self._lock:
            return dict(self._shards)

    @property
    def rows(self) -> dict[tuple[str, str], int]:
        """Images (of ``segment``) and people (of ``describe``) by stage and status."""
        with self._lock:
            return dict(self._rows)
