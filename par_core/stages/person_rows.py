"""The rows that describe writes for one shard: one a person, described or not."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from PIL import Image

from par_core.archive.quality import glvn, sharpness
from par_core.attributes.colours import garment_colours
from par_core.config import RunConfig
from par_core.errors import UnreadableImageError
from par_core.models.base import PersonDescriber
from par_core.models.profiles import load_describer
from par_core.people.cutout import cut_out
from par_core.stages.batches import run_batch
from par_core.status import Status
from par_core.types import Descriptions, ImageU8, MaskRLE

__all__ = ["PersonRows", "colours_of", "thumbnail"]

_THUMBNAIL_PX: Final = 160  # height at most


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A person that is cut out and waits for its batch to fill."""

    row: dict[str, Any]
    cutout: ImageU8


class PersonRows:
    """Collects the rows of one shard; the describer sees people in batches, across images.

    Args:
        config: Settings of the run.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._rows: list[dict[str, Any]] = []
        self._waiting: list[_Waiting] = []

    @cached_property
    def describer(self) -> PersonDescriber:
        """The describer, loaded when the first person needs it.

        Raises:
            BadConfigError: The models of the profile cannot be loaded.
        """
        return load_describer(self._config)

    @property
    def asked(self) -> bool:
        """Whether the describer was loaded."""
        return "describer" in vars(self)

    def keep(self, row: dict[str, Any]) -> None:
        """Add a row that was made before."""
        self._rows.append(row)

    def skip(self, person: Mapping[str, Any], status: str) -> None:
        """Add a person who is not described.

        Args:
            person: A row of the schema PEOPLE.
            status: The reason, unless the person is not to be described anyway.
        """
        self._rows.append(_row(person, status if person["status"] == Status.OK else person["status"]))

    def add(self, person: Mapping[str, Any], image: ImageU8) -> None:
        """Add a person of an image.

        Args:
            person: A row of the schema PEOPLE.
            image: The upright image that the person is in.

        Raises:
            TransientError: Memory ran out, or the model failed on all of a batch.
        """
        if person["status"] != Status.OK:
            self.skip(person, person["status"])
            return
        if person["mask_area"] == 0:
            self.skip(person, Status.EMPTY_MASK)
            return
        self._waiting.append(_cut(person, image, self._config, self.describer.aspect))
        if len(self._waiting) >= (self._config.machine.batch_size or self.describer.batch_size):
            self._describe()

    def table(self, schema: pa.Schema) -> pa.Table:
        """Describe those who still wait, and return all rows, by image and person.

        Args:
            schema: As ``descriptions_schema`` gives it.
        """
        self._describe()
        ordered = sorted(self._rows, key=lambda row: (row["image_id"], row["person_id"]))
        return pa.Table.from_pylist(ordered, schema=schema)

    def _describe(self) -> None:
        if self._waiting:
            self._rows += _described(self._waiting, self.describer)
            self._waiting = []


def thumbnail(person: Mapping[str, Any], image: ImageU8) -> bytes:
    """Return a JPEG of a person's box, at most 160 pixels high and wide."""
    picture = Image.fromarray(_inside(person, image))
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def colours_of(person: Mapping[str, Any], image: ImageU8) -> dict[str, Any]:
    """Return the columns that name the colours of a person's clothes.

    Args:
        person: A row of the schema PEOPLE.
        image: The upright image that the person is in.
    """
    colours = garment_colours(image, _box(person), _mask(person))
    return {
        "upper_color": colours.upper,
        "upper_color_share": colours.upper_share,
        "lower_color": colours.lower,
        "lower_color_share": colours.lower_share,
    }


def _box(person: Mapping[str, Any]) -> Float32[np.ndarray, "4"]:
    return np.array([person[name] for name in ("x1", "y1", "x2", "y2")], np.float32)


def _mask(person: Mapping[str, Any]) -> MaskRLE:
    return MaskRLE(person["mask_height"], person["mask_width"], person["mask_counts"].encode("ascii"))


def _cut(person: Mapping[str, Any], image: ImageU8, config: RunConfig, aspect: float) -> _Waiting:
    box = _box(person)
    cutout = cut_out(image, box, _mask(person), config.describe.cutout, aspect)
    row = _row(person, Status.OK) | {
        **colours_of(person, image),
        "megapixels": float((box[2] - box[0]) * (box[3] - box[1])) / 1e6,
        "glvn": glvn(_inside(person, image)),
        "sharpness": sharpness(_inside(person, image)),
    }
    if config.describe.thumbnails:
        row["thumbnail"] = thumbnail(person, image)
    return _Waiting(row, cutout)


def _inside(person: Mapping[str, Any], image: ImageU8) -> ImageU8:
    """The pixels of a person's box, at least one."""
    x1, y1, x2, y2 = (round(person[name]) for name in ("x1", "y1", "x2", "y2"))
    return image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]


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


def _row(person: Mapping[str, Any], status: str) -> dict[str, Any]:
    return {"person_id": person["person_id"], "image_id": person["image_id"], "status": Status(status).value}
