"""Computing one shard of predictions: read, segment, cut out, describe."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from par_core.archive import decode
from par_core.archive.shortage import raise_shortage
from par_core.attributes.colours import garment_colours
from par_core.attributes.out_of_frame import out_of_frame
from par_core.config import RunConfig
from par_core.datasets.folders import name_of
from par_core.datasets.outlines import read_picture
from par_core.errors import BadInputError, UnreadableImageError
from par_core.models.base import PersonDescriber
from par_core.models.profiles import load_describer, load_segmenter
from par_core.people.cutout import cut_out
from par_core.people.masks import mask_area
from par_core.predictions.cache import PredictionJob
from par_core.predictions.tables import outlines_table, people_table
from par_core.types import ImageU8

__all__ = ["compute_here", "compute_shard"]


def compute_here(job: PredictionJob) -> None:
    """Compute the missing shards of a job in this process, one shard after the other.

    Raises:
        BadInputError: A picture cannot be read; names it.
    """
    for shard in job.missing():
        compute_shard(job, shard)


def compute_shard(job: PredictionJob, shard: int) -> int:
    """Compute one shard; return at once if it is finished already.

    Returns:
        Number of pictures that were predicted.

    Raises:
        BadInputError: A picture cannot be read; names it.
    """
    if job.file(shard).exists():
        return 0
    pictures = job.pictures_of(shard)
    predict = _people if job.kind == "people" else _outlines
    job.write(shard, predict(pictures, job.settings))
    return len(pictures)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Person who is cut out and waits for the batch to fill."""

    row: dict[str, Any]
    cutout: ImageU8
    hidden: Bool[np.ndarray, " k"]  # attributes that the picture ends above


def _people(pictures: Sequence[Path], settings: Sequence[RunConfig]) -> pa.Table:
    """Describe the largest person of each picture by the steps of indexing, or the whole picture where no
    person is detected; segmented once for all variants. What the frame cuts away of a person gets no answer.
    """
    config = settings[0]
    segmenter, describer = load_segmenter(config), load_describer(config)
    batch = config.machine.batch_size or describer.batch_size
    rows: list[dict[str, Any]] = []
    waiting: list[_Waiting] = []
    for path in pictures:
        picture = _read(path, config)
        (people,) = segmenter.segment([picture])
        areas = [mask_area(mask) for mask in people.masks]
        largest = int(np.argmax(areas)) if any(areas) else None
        for variant, variant_config in enumerate(settings):
            cutout, box, colours = picture, None, None
            hidden = np.zeros(len(describer.attributes), bool)
            if largest is not None:
                colours = garment_colours(picture, people.boxes[largest], people.masks[largest])
                cutout = cut_out(
                    picture,
                    people.boxes[largest],
                    people.masks[largest],
                    variant_config.describe.cutout,
                    describer.aspect,
                )
                box = people.boxes[largest].tolist()
                hidden = out_of_frame(
                    people.boxes[largest, None].astype(np.float64),
                    np.array([areas[largest]], np.float64),
                    np.array([picture.shape[0]], np.float64),
                    describer.attributes,
                )[0]
            garments = (
                {"upper_color": colours.upper, "lower_color": colours.lower} if colours is not None else {}
            )
            waiting.append(
                _Waiting(
                    {"picture": name_of(path), "variant": variant, "box": box, **garments},
                    cutout,
                    hidden,
                )
            )
            if len(waiting) >= batch:
                rows += _described(waiting, describer)
                waiting = []
    rows += _described(waiting, describer)
    return people_table(rows, describer.attributes, describer.thresholds)


def _described(people: Sequence[_Waiting], describer: PersonDescriber) -> list[dict[str, Any]]:
    descriptions = describer.describe([person.cutout for person in people])
    described = zip(people, descriptions.embeddings, descriptions.probabilities, strict=True)
    return [
        person.row | {"embedding": embedding, "probabilities": np.where(person.hidden, np.nan, probabilities)}
        for person, embedding, probabilities in described
    ]


def _outlines(pictures: Sequence[Path], settings: Sequence[RunConfig]) -> pa.Table:
    """Outline everybody in each picture with the segmenter of every variant."""
    segmenters = [load_segmenter(config) for config in settings]
    names, variants, people, sizes = [], [], [], []
    for path in pictures:
        picture = read_picture(path)
        for variant, segmenter in enumerate(segmenters):
            names.append(name_of(path))
            variants.append(variant)
            people += segmenter.segment([picture])
            sizes.append((picture.shape[0], picture.shape[1]))
    return outlines_table(names, variants, people, sizes)


def _read(image: Path, config: RunConfig) -> ImageU8:
    try:
        return decode(image.read_bytes(), config.archive).pixels
    except (OSError, UnreadableImageError) as error:
        raise_shortage(error)
        raise BadInputError(f"{image}: {error}") from error
