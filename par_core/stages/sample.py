"""Index a random sample of the due files into a store of its own, and time it: for ``par plan``.

The sample goes through the same stages as a run, in groups: each group is a shard. Between groups times and
numbers differ, and this says how sure a prediction is. The store of the sample is a temporary folder.
"""

import math
import random
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import t as student

from par_core.archive import Listing, containers_of, is_streamed
from par_core.stages.commit import commit_store
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.stages.shard_work import shard_id_of, work_table
from par_core.store.layout import Stage, Store
from par_core.store.listings import entries_of, save_listing
from par_core.store.plan_writer import write_plan
from par_core.store.shards import ShardFolder

__all__ = ["Range", "Sample", "mean_of", "sample_files"]

_GROUPS: Final = 8
_CONFIDENCE: Final = 0.95
_SOURCE: Final = "sample"
_LISTED_AT: Final = "2000-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Range:
    """A mean, and where the mean of all due files lies with 95 % confidence.

    Attributes:
        mean: Mean of the sample.
        low: Lower end, >= 0; None where fewer than two groups were measured.
        high: Upper end, or None.
    """

    mean: float
    low: float | None
    high: float | None

    def times(self, factor: float | int) -> "Range":
        """Return the range of a multiple."""
        ends = (None if end is None else end * factor for end in (self.low, self.high))
        return Range(self.mean * factor, *ends)

    def plus(self, known: float) -> "Range":
        """Return the range of the sum with a number that is known."""
        ends = (None if end is None else end + known for end in (self.low, self.high))
        return Range(self.mean + known, *ends)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a sample has cost and given, a file.

    Attributes:
        files: Number of files that were measured.
        groups: Number of groups that they were measured in.
        seconds: Seconds of one process.
        people: Rows of people of usable size or not, as ``segment`` writes them.
        described: People with a vector, each a row of the index.
        parquet_bytes: Bytes of the files of shards, without ``shard_bytes``.
        shard_bytes: Bytes that each shard takes beside, however few files it has; 0 of a single group.
        index_bytes_a_row: Bytes of the index for each of its rows, or None without people. The index of a
            sample is small, and so its rows cost more than those of a large one.
        failed: Share of the files that failed.
        left_out: Number of due files that no sample may hold: members of compressed tars, which can only be
            read from the start.
    """

    files: int
    groups: int
    seconds: Range
    people: Range
    described: Range
    parquet_bytes: Range
    shard_bytes: float
    index_bytes_a_row: float | None
    failed: float
    left_out: int


def sample_files(run: Run, due: pa.Table, n: int, *, seed: int = 0) -> Sample | None:
    """Index a random sample of files.

    A further group is indexed first, and not measured: it loads and compiles the models.

    Args:
        run: The run; nothing is written to its store.
        due: The files to choose from. Schema ENTRIES.
        n: Largest number of files to measure, >= 1.
        seed: Seed of the choice.

    Returns:
        The measurement, or None where there is no file to measure.

    Raises:
        TransientError: The archive's storage cannot be reached, or memory ran out.
        BadConfigError: The models of the profile cannot be loaded.
    """
    streamed = [
        container is not None and is_streamed(container)
        for container in containers_of(due["uri"]).to_pylist()
    ]
    usable = due.filter(pc.invert(pa.array(streamed, pa.bool_())))
    chosen = random.Random(seed).sample(range(len(usable)), min(n, len(usable)))
    if not chosen:
        return None
    size = math.ceil(len(chosen) / min(_GROUPS, len(chosen)))
    groups = [usable.take(chosen[first : first + size]) for first in range(0, len(chosen), size)]
    with tempfile.TemporaryDirectory(prefix="par-plan-") as folder:
        warm = _indexed(run, Store.create(Path(folder) / "warm"), groups[:1])
        assert warm
        store = Store.create(Path(folder) / "store")
        measured = _indexed(run, store, groups)
        merged = _merged_bytes(run, store, Path(folder) / "merged")
        rows, index_bytes = _committed(run, store, groups)
    sizes = [len(group) for group in groups]
    stored = [one.parquet_bytes for one in measured]
    fixed = max(sum(stored) - merged, 0) / (len(groups) - 1) if len(groups) > 1 else 0.0
    return Sample(
        files=len(chosen),
        groups=len(groups),
        seconds=mean_of([one.seconds for one in measured], sizes),
        people=mean_of([one.people for one in measured], sizes),
        described=mean_of([one.described for one in measured], sizes),
        parquet_bytes=mean_of([max(each - fixed, 0.0) for each in stored], sizes),
        shard_bytes=fixed,
        index_bytes_a_row=index_bytes / rows if rows else None,
        failed=sum(one.failed for one in measured) / len(chosen),
        left_out=sum(streamed),
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    seconds: float
    people: int
    described: int
    parquet_bytes: int
    failed: int


def _indexed(run: Run, store: Store, groups: Sequence[pa.Table]) -> list[_Measured]:
    aside = Run(store, run.config, run.models, run.ids)
    ids = []
    with write_plan(store) as writer:
        for group in groups:
            work = work_table(group, pa.array([1] * len(group), pa.int32()), {})
            ids.append(shard_id_of(work))
            writer.add(ids[-1], work)
    return [_of_shard(aside, shard_id) for shard_id in ids]


def _of_shard(run: Run, shard_id: str) -> _Measured:
    segmented, described = process_shard(run, shard_id)
    folders = (
        run.store.shard("segment", run.ids.segment, shard_id),
        run.store.shard("describe", run.ids.describe, shard_id),
    )
    read = segmented.counts.get("ok", 0) + segmented.counts.get("no_people", 0)
    return _Measured(
        seconds=segmented.seconds + described.seconds,
        people=segmented.counts["people"],
        described=described.counts.get("ok", 0),
        parquet_bytes=sum(_bytes(folder.path) for folder in folders),
        failed=segmented.counts["images"] - read,
    )


def _committed(run: Run, store: Store, groups: Sequence[pa.Table]) -> tuple[int, int]:
    """Commit the sample; return the rows of its index and their bytes."""
    entries = sorted((entry for group in groups for entry in entries_of(group)), key=lambda entry: entry.uri)
    save_listing(store, Listing(_SOURCE, tuple(entries)), _LISTED_AT)
    record = commit_store(Run(store, run.config, run.models, run.ids))
    return record.rows, _bytes(store.index_path)


def _merged_bytes(run: Run, store: Store, folder: Path) -> int:
    """Bytes of all groups as one shard: what each of several costs beside its rows is in the difference."""
    configs: tuple[tuple[Stage, str], ...] = (("segment", run.ids.segment), ("describe", run.ids.describe))
    for stage, config in configs:
        shards = list(store.complete_shards(stage, config))
        names = [name.removesuffix(".parquet") for name in shards[0][1].files]
        merged = {name: pa.concat_tables([shard.read(name) for shard, _ in shards]) for name in names}
        tables = {name: (table, table.schema) for name, table in merged.items()}
        ShardFolder(folder / stage).write(tables, shards[0][1].counts, shards[0][1].info)
    return _bytes(folder)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def mean_of(totals: Sequence[float] | Sequence[int], sizes: Sequence[int]) -> Range:
    """Return the mean a file, with the interval of Student's t over groups of nearly equal size.

    Args:
        totals: Sum over each group.
        sizes: Number of files of each group, >= 1.
    """
    each = [total / size for total, size in zip(totals, sizes, strict=True)]
    mean = sum(totals) / sum(sizes)
    if len(each) < 2:
        return Range(mean, None, None)
    half = student.ppf((1 + _CONFIDENCE) / 2, len(each) - 1) * statistics.stdev(each) / math.sqrt(len(each))
    return Range(mean, max(mean - half, 0.0), mean + half)
