"""describe: cut out every person of a segmented shard, and compute embedding, attributes, colours and
quality.

A stage of its own beside ``process``: a new describer reuses the boxes and masks.
One row a person of the shard, described or not.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from par_core.archive import DecodedImage, Entry
from par_core.errors import BadInputError, UnreadableImageError
from par_core.stages.person_labels import with_cutout_scores, within_frame
from par_core.stages.person_rows import PersonRows
from par_core.stages.pictures import BATCH, batches_ahead, read_again
from par_core.stages.provenance import describe_info, describer_record
from par_core.stages.result import ShardResult
from par_core.stages.run import Run
from par_core.stages.shard_work import places_elsewhere
from par_core.status import Status
from par_core.store.schemas import descriptions_schema
from par_core.store.shards import ShardFolder
from par_core.types import ImageU8

__all__ = ["describe_shard", "images_again", "person_counts", "write_descriptions"]


def describe_shard(run: Run, shard_id: str) -> ShardResult:
    """Describe the people of one segmented shard; returns at once if it is complete already.

    Raises:
        BadInputError: The shard has not been segmented.
        TransientError: The archive's storage cannot be reached, an image met an input error, or memory ran
            out.
        BadConfigError: The models of the profile cannot be loaded.
    """
    started = time.monotonic()
    done = run.store.shard("describe", run.ids.describe, shard_id).manifest()
    if done is not None:
        return ShardResult("describe", shard_id, dict(done.counts), 0.0, reused=True)
    segmented = run.store.shard("segment", run.ids.segment, shard_id)
    source = segmented.manifest()
    if source is None:
        raise BadInputError(f"shard {shard_id} has not been segmented")
    found, people = segmented.read("people"), dict[str, list[dict[str, Any]]]()
    for person in found.to_pylist():
        people.setdefault(person["image_id"], []).append(person)
    rows = PersonRows(run.config)
    wanted = [identity for identity, inside in people.items() if _any_ok(inside)]
    for identity in people.keys() - set(wanted):
        for person in people[identity]:
            rows.skip(person, person["status"])
    for identity, image in images_again(run, shard_id, segmented.read("images"), wanted):
        for person in people[identity]:
            if isinstance(image, Status):
                rows.skip(person, image)
            else:
                rows.add(person, image)
    model = describer_record(rows.describer)
    return write_descriptions(run, shard_id, rows, model, found, source.info, started=started)


def images_again(
    run: Run, shard_id: str, images: pa.Table, wanted: Collection[str]
) -> Iterator[tuple[str, ImageU8 | Status]]:
    """Read some images of a segmented shard again, in the order of their uris; last those that are read from
    another place, as the plan names them.

    Args:
        run: The run.
        shard_id: Id of the shard.
        images: Rows of the shard's images, schema IMAGES.
        wanted: Ids of the images to read.

    Yields:
        Id of each image, and its pixels or the reason why there are none.

    Raises:
        TransientError: The archive's storage cannot be reached, an image met an input error, or memory ran
            out.
    """
    chosen, entries = set(wanted), dict[str, Entry]()
    for row in images.select(["image_id", "uri", "size", "version"]).to_pylist():
        if row["image_id"] in chosen:
            entries.setdefault(row["image_id"], Entry(row["uri"], row["size"], row["version"]))
    pictures = read_again(run.store, entries, places_elsewhere(run.store, shard_id), run.config.archive)
    for batch in batches_ahead(pictures, run.config.machine.batch_size or BATCH):
        for picture in batch:
            if picture.image_id is None:
                continue
            if isinstance(picture.content, DecodedImage):
                yield picture.image_id, picture.content.pixels
            elif isinstance(picture.content, UnreadableImageError):
                yield picture.image_id, picture.content.status


def write_descriptions(
    run: Run,
    shard_id: str,
    rows: PersonRows,
    model: Mapping[str, Any],
    people: pa.Table,
    labels: Mapping[str, Any],
    *,
    started: float,
) -> ShardResult:
    """Describe those of a shard's people who still wait, and write the shard.

    Args:
        run: The run.
        shard_id: Id of the shard.
        rows: Rows of all its people.
        model: What manifests record of the describer.
        people: Its people, schema PEOPLE.
        labels: Record of the manifest of its segmentation, which says how they are labelled.
        started: Time on the monotonic clock from which the work counts.

    Raises:
        BadInputError: There is not one row a person.
        TransientError: Memory ran out, or the model failed on all of a batch.
    """
    schema = descriptions_schema(model["attributes"], model["embedding_size"])
    table = rows.table(schema)
    if len(table) != len(people):
        raise BadInputError(f"shard {shard_id}: {len(people)} people went in, {len(table)} rows came out")
    rows_of_people = people.to_pylist()
    table = within_frame(with_cutout_scores(table, rows_of_people), rows_of_people, model["attributes"])
    seconds = time.monotonic() - started
    info = describe_info(run.config, run.ids.segment, model, labels=labels, seconds=seconds)
    folder: ShardFolder = run.store.shard("describe", run.ids.describe, shard_id)
    manifest = folder.write({"people": (table, schema)}, person_counts(table), info)
    return ShardResult("describe", shard_id, dict(manifest.counts), seconds, reused=False)


def person_counts(table: pa.Table) -> dict[str, int]:
    """Return the counts for the manifest of a described shard: people by status, and all."""
    return {**Counter(table["status"].to_pylist()), "people": len(table)}


def _any_ok(people: Sequence[Mapping[str, Any]]) -> bool:
    return any(person["status"] == Status.OK for person in people)
