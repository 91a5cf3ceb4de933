"""A shard whose worker was lost is cut in halves, until the image at fault stands alone; that image becomes a
row with a status.

If the shard is segmented already, its rows are kept and divided, instead of its work.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from par_core.archive import Entry
from par_core.stages.provenance import segment_info
from par_core.stages.run import Run
from par_core.stages.shard_work import plan_shard, read_work
from par_core.status import Status
from par_core.store.plan_file import PlannedShard
from par_core.store.schemas import IMAGES, PEOPLE
from par_core.store.shards import Manifest, ShardFolder

__all__ = ["give_up_image", "halve", "images_of"]


def images_of(run: Run, shard_id: str) -> int:
    """Return the number of parts that halving can separate: different images if the shard is segmented, else
    files.
    """
    segmented = run.store.shard("segment", run.ids.segment, shard_id)
    if segmented.manifest() is None:
        return len(read_work(run.store, shard_id).entries)
    return len(_groups(segmented.read("images")))


def halve(run: Run, shard_id: str) -> tuple[PlannedShard, PlannedShard]:
    """Replace a shard by two with half of its images each.

    Safe to be killed: the halves are complete before the whole is deleted, and a file in two shards counts
    once.

    Args:
        run: The run.
        shard_id: A shard of at least two images.
    """
    segmented = run.store.shard("segment", run.ids.segment, shard_id)
    manifest = segmented.manifest()
    if manifest is None:
        work = read_work(run.store, shard_id)
        middle = len(work.entries) // 2
        first, second = (
            plan_shard(run.store, work.entries[part], work.attempt, known=work.known)
            for part in (slice(None, middle), slice(middle, None))
        )
        run.store.work_path(shard_id).unlink(missing_ok=True)  # a shard of the plan has no file of its own
        return first, second
    images, people = segmented.read("images"), segmented.read("people")
    groups = _groups(images)
    middle = len(groups) // 2
    first, second = (
        _divide(run, manifest, images, people, groups[part])
        for part in (slice(None, middle), slice(middle, None))
    )
    segmented.remove()
    run.store.work_path(shard_id).unlink(missing_ok=True)
    return first, second


def give_up_image(run: Run, shard_id: str, reason: str) -> None:
    """Record that the only image of a shard cannot be worked on: its files get the status ``worker_died`` and
    no people.

    Args:
        run: The run.
        shard_id: A shard of one image.
        reason: Text for the column ``message``.
    """
    segmented = run.store.shard("segment", run.ids.segment, shard_id)
    manifest = segmented.manifest()
    if manifest is None:
        work = read_work(run.store, shard_id)
        entries, attempt = list(work.entries), work.attempt
    else:
        entries, attempt = _entries(segmented.read("images"))
    rows = [
        {
            "uri": entry.uri,
            "size": entry.size,
            "version": entry.version,
            "attempt": attempt,
            "n_people": 0,
            "n_too_small": 0,
        }
        | {"status": Status.WORKER_DIED.value, "message": reason}
        for entry in entries
    ]
    images = pa.Table.from_pylist(rows, schema=IMAGES)
    info = (
        dict(manifest.info)
        if manifest
        else segment_info(
            run.config, run.models.segmenter, "", entries=len(entries), recognised=0, seconds=0.0
        )
    )
    segmented.remove()
    _write(segmented, images, PEOPLE.empty_table(), info)


def _divide(
    run: Run,
    manifest: Manifest,
    images: pa.Table,
    people: pa.Table,
    groups: Sequence[Sequence[int]],
) -> PlannedShard:
    """Write the segmented rows of some images as a shard of their own."""
    part = images.take(pa.array(sorted(index for group in groups for index in group), pa.int64()))
    wanted = pc.is_in(people["image_id"], value_set=part["image_id"].combine_chunks().drop_null())
    entries, attempt = _entries(part)
    planned = plan_shard(run.store, entries, attempt, segmented=True)
    _write(
        run.store.shard("segment", run.ids.segment, planned.shard_id),
        part,
        people.filter(wanted),
        dict(manifest.info),
    )
    return planned


def _write(folder: ShardFolder, images: pa.Table, people: pa.Table, info: dict[str, object]) -> None:
    counts = {item["values"]: item["counts"] for item in images["status"].value_counts().to_pylist()}
    tables = {"images": (images, IMAGES), "people": (people, PEOPLE)}
    counts |= {"images": len(images), "people": len(people)}
    folder.write(tables, counts, {**info, "entries": len(images), "recognised": 0})


def _groups(images: pa.Table) -> list[list[int]]:
    """Return the positions of rows that must stay together: files with the same bytes share their people."""
    groups: dict[str, list[int]] = {}
    for index, (image, uri) in enumerate(
        zip(images["image_id"].to_pylist(), images["uri"].to_pylist(), strict=True)
    ):
        groups.setdefault(image or uri, []).append(index)
    return list(groups.values())


def _entries(images: pa.Table) -> tuple[list[Entry], int]:
    rows = images.select(["uri", "size", "version", "attempt"]).to_pylist()
    return [Entry(row["uri"], row["size"], row["version"]) for row in rows], rows[0]["attempt"]
