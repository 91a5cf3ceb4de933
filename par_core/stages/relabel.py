"""relabel: bring finished shards in line with settings for which no model has to see an image again.

``segment.min_height_px`` decides which people are too small, and the rule for second cuts which of them
count: labels and counts are computed again from boxes and masks, and only people who count now and were never
described are described. ``describe.thumbnails`` adds pictures of the people to their rows. The scores of
cut-outs are computed again from what is stored. Answers about what the frame of a photograph cuts away are
taken out; those that an earlier rule took out do not come back without a model. Another rule for the names of
colours reads the pictures again; who is in a picture that cannot be read any more keeps the names.

Each shard is rewritten in place, description first and manifest of the segmentation last. A kill in between
leaves a shard that still asks for it, and doing it again gives the same rows.
"""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from par_core.stages.describe import images_again, person_counts
from par_core.stages.image_rows import counts_of, image_label
from par_core.stages.person_labels import labelled, with_cutout_scores, within_frame
from par_core.stages.person_rows import PersonRows, colours_of, thumbnail
from par_core.stages.provenance import RULES, has_labels_of, labelled_with, needs_relabel
from par_core.stages.run import Run
from par_core.status import Status
from par_core.store.schemas import IMAGES, PEOPLE, descriptions_schema
from par_core.store.shards import Manifest, ShardFolder
from par_core.types import ImageU8

__all__ = ["relabel_shard"]

_NOT_DESCRIBED: Final = (Status.TOO_SMALL, Status.SECOND_CUT)


def relabel_shard(run: Run, shard_id: str) -> bool:
    """Bring one shard in line with ``segment.min_height_px``, ``describe.thumbnails``, and this version's
    rules for second cuts, for the scores of cut-outs, for what the frame cuts away and for the names of
    colours. Only for the run that holds the store, and for one worker at a time.

    Returns:
        Whether anything was to be done.

    Raises:
        TransientError: The archive's storage cannot be reached, an image met an input error, or memory ran
            out; the shard still asks for it.
        BadConfigError: The models of the profile cannot be loaded; they are only if someone is to be
            described.
        StoreError: A table of the shard is damaged.
    """
    segmented = run.store.shard("segment", run.ids.segment, shard_id)
    described = run.store.shard("describe", run.ids.describe, shard_id)
    source, before = segmented.manifest(), described.manifest()
    if source is None or not needs_relabel(source.info, before.info if before else None, run.config):
        return False
    height = run.config.segment.min_height_px
    images = segmented.read("images")
    people = labelled(segmented.read("people").to_pylist(), height)
    if before is not None:
        _rewrite_descriptions(run, described, before, images, people)
    if not has_labels_of(source.info, height):
        _rewrite_labels(segmented, source, images, people, run)
    return True


def _rewrite_labels(
    folder: ShardFolder, before: Manifest, images: pa.Table, people: list[dict[str, Any]], run: Run
) -> None:
    by_image: dict[str, list[dict[str, Any]]] = {}
    for person in people:
        by_image.setdefault(person["image_id"], []).append(person)
    rows = [
        row | image_label(by_image.get(row["image_id"], []))
        if row["status"] in (Status.OK, Status.NO_PEOPLE)
        else row
        for row in images.to_pylist()
    ]
    relabelled, persons = (
        pa.Table.from_pylist(rows, schema=IMAGES),
        pa.Table.from_pylist(people, schema=PEOPLE),
    )
    info = {
        **before.info,
        "settings": run.config.segment.model_dump(),
        "first_min_height_px": before.info.get("first_min_height_px", labelled_with(before.info)),
        "second_cuts": RULES["second_cuts"],
    }
    tables = {"images": (relabelled, IMAGES), "people": (persons, PEOPLE)}
    with folder.rewriting():
        folder.rewrite(tables, counts_of(relabelled, persons), info)


def _rewrite_descriptions(
    run: Run, folder: ShardFolder, before: Manifest, images: pa.Table, people: list[dict[str, Any]]
) -> None:
    known = {row["person_id"]: row for row in folder.read("people").to_pylist()}
    rows, renamed = PersonRows(run.config), before.info.get("colours") != RULES["colours"]
    waiting: dict[str, list[dict[str, Any]]] = {}
    for person in people:
        row = known.get(person["person_id"])
        if person["status"] != Status.OK:
            rows.skip(person, person["status"])
        elif row is None or row["status"] in _NOT_DESCRIBED or _needs_picture(row, run, renamed):
            waiting.setdefault(person["image_id"], []).append(person)
        else:
            rows.keep(row)
    for identity, image in images_again(run, folder.shard_id, images, waiting):
        for person in waiting[identity]:
            row = known.get(person["person_id"])
            if row is not None and row["status"] == Status.OK:
                rows.keep(row if isinstance(image, Status) else row | _seen_in(person, image, row, run))
            elif isinstance(image, Status):
                rows.skip(person, image)
            else:
                rows.add(person, image)
    schema = descriptions_schema(before.info["attributes"], before.info["embedding_size"])
    table = with_cutout_scores(rows.table(schema), people)
    table = within_frame(table, people, before.info["attributes"])
    info = {
        **before.info,
        "segment_config": run.ids.segment,
        "settings": run.config.describe.model_dump(),
        "min_height_px": run.config.segment.min_height_px,
        **RULES,
    }
    with folder.rewriting():
        folder.rewrite({"people": (table, schema)}, person_counts(table), info)


def _needs_picture(row: Mapping[str, Any], run: Run, renamed: bool) -> bool:
    return row["status"] == Status.OK and (renamed or _lacks_thumbnail(row, run))


def _lacks_thumbnail(row: Mapping[str, Any], run: Run) -> bool:
    return run.config.describe.thumbnails and row["thumbnail"] is None


def _seen_in(person: Mapping[str, Any], image: ImageU8, row: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Return the columns of a described person that the picture alone decides."""
    picture = {"thumbnail": thumbnail(person, image)} if _lacks_thumbnail(row, run) else {}
    return colours_of(person, image) | picture
