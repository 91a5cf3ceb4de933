"""describe: cut out every person of a segmented shard, and compute embedding, attributes, colours and
quality.

Separate from segment on purpose: a new describer reuses the boxes and masks.
One row a person of the shard, described or not.
"""

import io
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from par_core.archive import DecodedImage, Entry, decode, read_entries
from par_core.archive.quality import glvn
from par_core.attributes.colours import garment_colours
from par_core.config import ArchiveConfig, DescribeConfig
from par_core.errors import BadInputError, UnreadableImageError
from par_core.ids import image_id
from par_core.models.base import PersonDescriber
from par_core.models.profiles import load_describer
from par_core.people.cutout import cut_out
from par_core.stages.batches import run_batch
from par_core.stages.result import ShardResult
from par_core.stages.run import Run
from par_core.status import Status
from par_core.store.schemas import descriptions_schema
from par_core.store.shards import ShardFolder
from par_core.types import Descriptions, ImageU8, MaskRLE

__all__ = ["describe_shard"]

_THUMBNAIL_PX = 160  # height at most


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A person that is cut out and waits for its batch to fill."""

    row: dict[str, Any]
    cutout: ImageU8


def describe_shard(run: Run, shard_id: str) -> ShardResult:
    """Describe the people of one segmented shard; returns at once if it is complete already.

    Raises:
        BadInputError: The shard has not been segmented.
        TransientError: The archive's storage cannot be reached, or memory ran out.
        BadConfigError: The models of the profile cannot be loaded.
    """
    started = time.monotonic()
    store, config, ids = run.store, run.config, run.ids
    folder = store.shard("describe", ids.describe, shard_id)
    done = folder.manifest()
    if done is not None:
        return ShardResult("describe", shard_id, dict(done.counts), 0.0, reused=True)
    segmented = store.shard("segment", ids.segment, shard_id)
    source = segmented.manifest()
    if source is None:
        raise BadInputError(f"shard {shard_id} has not been segmented")
    describer = load_describer(config)
    schema = descriptions_schema(describer.attributes, describer.embedding_size)
    rows: list[dict[str, Any]] = []
    waiting: list[_Waiting] = []
    for person in _cut_people(segmented, config.archive, config.describe, describer.aspect):
        if person.cutout.size:
            waiting.append(person)
        else:
            rows.append(person.row)
        if len(waiting) >= (config.machine.batch_size or describer.batch_size):
            rows += _described(waiting, describer)
            waiting = []
    rows += _described(waiting, describer)
    table = pa.Table.from_pylist(
        sorted(rows, key=lambda row: (row["image_id"], row["person_id"])), schema=schema
    )
    if len(table) != source.counts["people"]:
        raise BadInputError(
            f"shard {shard_id}: {source.counts['people']} people went in, {len(table)} rows came out"
        )
    seconds = time.monotonic() - started
    info = {
        "segment_config": ids.segment,
        "describer": describer.fingerprint,
        "embedding": describer.embedding_fingerprint,
        "attributes": list(describer.attributes),
        "thresholds": list(describer.thresholds),
        "embedding_size": describer.embedding_size,
        "model": describer.summary,
        "seconds": round(seconds, 3),
        "settings": config.describe.model_dump(),
    }
    counts = {**Counter(table["status"].to_pylist()), "people": len(table)}
    manifest = folder.write({"people": (table, schema)}, counts, info)
    return ShardResult("describe", shard_id, dict(manifest.counts), seconds, reused=False)


_NO_CUTOUT: ImageU8 = np.zeros((0, 0, 3), np.uint8)


def _cut_people(
    segmented: ShardFolder, limits: ArchiveConfig, settings: DescribeConfig, aspect: float
) -> Iterator[_Waiting]:
    """Yield every person of a shard, those that cannot be cut out with an empty cut-out and a status."""
    by_image: dict[str, list[dict[str, Any]]] = {}
    for person in segmented.read("people").to_pylist():
        by_image.setdefault(person["image_id"], []).append(person)
    images = {
        row["image_id"]: row
        for row in reversed(segmented.read("images").to_pylist())
        if row["image_id"] in by_image
    }
    entries: list[Entry] = []
    for identity, row in images.items():
        if any(person["status"] == Status.OK for person in by_image[identity]):
            entries.append(Entry(uri=row["uri"], size=row["size"], version=row["version"]))
        else:
            yield from (_Waiting(_row(person, person["status"]), _NO_CUTOUT) for person in by_image[identity])
    identities = {row["uri"]: identity for identity, row in images.items()}
    for entry, content in read_entries(entries, limits):
        identity = identities[entry.uri]
        image = _decode_again(content, identity, limits)
        for person in by_image[identity]:
            if isinstance(image, Status):
                status = image if person["status"] == Status.OK else person["status"]
                yield _Waiting(_row(person, status), _NO_CUTOUT)
            else:
                yield _cut(person, image.pixels, settings, aspect)


def _decode_again(
    content: bytes | UnreadableImageError, identity: str, limits: ArchiveConfig
) -> DecodedImage | Status:
    if isinstance(content, UnreadableImageError):
        return content.status
    if image_id(content) != identity:
        return Status.CHANGED
    try:
        return decode(content, limits)
    except UnreadableImageError as error:
        return error.status


def _cut(person: dict[str, Any], image: ImageU8, settings: DescribeConfig, aspect: float) -> _Waiting:
    if person["status"] != Status.OK:
        return _Waiting(_row(person, person["status"]), _NO_CUTOUT)
    if person["mask_area"] == 0:
        return _Waiting(_row(person, Status.EMPTY_MASK), _NO_CUTOUT)
    box = np.array([person[name] for name in ("x1", "y1", "x2", "y2")], np.float32)
    mask = MaskRLE(person["mask_height"], person["mask_width"], person["mask_counts"].encode("ascii"))
    cutout = cut_out(image, box, mask, settings.cutout, aspect)
    colours = garment_colours(image, box, mask)
    x1, y1, x2, y2 = (round(value) for value in box.tolist())
    inside = image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    row = _row(person, Status.OK) | {
        "upper_color": colours.upper,
        "upper_color_share": colours.upper_share,
        "lower_color": colours.lower,
        "lower_color_share": colours.lower_share,
        "megapixels": float((box[2] - box[0]) * (box[3] - box[1])) / 1e6,
        "glvn": glvn(inside),
    }
    if settings.thumbnails:
        row["thumbnail"] = _thumbnail(inside)
    return _Waiting(row, cutout)


def _described(people: Sequence[_Waiting], describer: PersonDescriber) -> list[dict[str, Any]]:
    def run(cutouts: Sequence[ImageU8]) -> list[Descriptions]:
        batch = describer.describe(cutouts)
        return [
            Descriptions(batch.embeddings[i : i + 1], batch.probabilities[i : i + 1])
            for i in range(len(cutouts))
        ]

    rows = []
    for person, description in zip(people, run_batch(run, [person.cutout for person in people]), strict=True):
        if isinstance(description, UnreadableImageError):
            rows.append(_row(person.row, description.status))
        elif not np.isfinite(description.embeddings).all():
            rows.append(_row(person.row, Status.NOT_FINITE))
        else:
            probabilities = [None if np.isnan(p) else float(p) for p in description.probabilities[0]]
            rows.append(
                person.row
                | {"vector": description.embeddings[0]}
                | dict(zip(describer.attributes, probabilities, strict=True))
            )
    return rows


def _row(person: dict[str, Any], status: str) -> dict[str, Any]:
    return {"person_id": person["person_id"], "image_id": person["image_id"], "status": Status(status).value}


def _thumbnail(pixels: ImageU8) -> bytes:
    picture = Image.fromarray(pixels)
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
