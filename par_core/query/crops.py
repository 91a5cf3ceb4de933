"""Pictures of people, cut again from the archive by box and mask. Crops are not stored: the archive is where
pictures live.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from par_core.archive import Entry, decode_part, read_entries
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.ids import image_id
from par_core.people.cutout import crop_box
from par_core.people.masks import crop_mask
from par_core.query.person import Person
from par_core.store.layout import Store
from par_core.types import ImageU8, Mask, MaskRLE

__all__ = ["Crop", "crops_of", "mask_of", "masks_of"]

_CONTEXT = 0.25  # margin around the person, as a share of the box
_HEIGHT_PX = 320
_DIMMED = 0.45  # brightness of the background
_LEAST = 0.9  # height to which a JPEG may be decoded, as a share of the height of the crop


@dataclass(frozen=True, slots=True)
class Crop:
    """A picture of one person.

    Attributes:
        jpeg: The picture, or None.
        trouble: Why there is none; empty otherwise.
    """

    jpeg: bytes | None
    trouble: str = ""


def crops_of(
    people: Sequence[Person], store: Store, segment_config: str, config: ArchiveConfig
) -> list[Crop]:
    """Cut people out of the archive, with some of their surroundings, the background dimmed.

    A picture is read from the first of its places that still holds it. One that has vanished or was replaced
    at all of them gives a Crop with the reason.
    """
    crops = [Crop(None, "no picture")] * len(people)
    places = [list(dict.fromkeys([person.uri, *person.uris])) for person in people]
    for number in range(max(map(len, places), default=0)):
        by_uri: dict[str, list[int]] = {}
        for i, uris in enumerate(places):
            if crops[i].jpeg is None and number < len(uris):
                by_uri.setdefault(uris[number], []).append(i)
        for entry, content in read_entries([Entry(uri, 0, "") for uri in by_uri], config):
            for i in by_uri[entry.uri]:
                crops[i] = _crop(people[i], content, mask_of(store, segment_config, people[i]), config)
    return crops


def _crop(
    person: Person, content: bytes | UnreadableImageError, mask: MaskRLE | None, config: ArchiveConfig
) -> Crop:
    if isinstance(content, UnreadableImageError):
        return Crop(None, f"the file is not there any more ({content.status})")
    if image_id(content) != person.image_id:
        return Crop(None, "the file is another one now")
    width, height = (person.image_width, person.image_height)
    left, top, right, bottom = crop_box(
        np.array(person.box, np.float32), _CONTEXT, 1.6, width=width, height=height
    )
    shrink = next((by for by in (8, 4, 2) if (bottom - top) / by >= _HEIGHT_PX * _LEAST), 1)
    try:
        shown = decode_part(content, config, (left, top, right, bottom), shrink)
    except UnreadableImageError as error:
        return Crop(None, str(error))
    size = (max(1, round(shown.shape[1] * _HEIGHT_PX / shown.shape[0])), _HEIGHT_PX)
    smaller = shown.shape[0] > _HEIGHT_PX
    resized = cv2.resize(shown, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    if mask is not None:
        resized = _dim(resized, crop_mask(mask, left, top, right, bottom))
    buffer = io.BytesIO()
    Image.fromarray(resized).save(buffer, "JPEG", quality=85)
    return Crop(buffer.getvalue())


def _dim(shown: ImageU8, inside: Mask) -> ImageU8:
    """Dim what is not inside of a mask, which may have other numbers of pixels than the picture."""
    size = (shown.shape[1], shown.shape[0])
    fitted = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(fitted, (0, 0), max(1.0, shown.shape[0] / 150))
    bright = np.float32(_DIMMED) + np.float32(1 - _DIMMED) * soft
    return np.asarray(cv2.multiply(shown, cv2.merge([bright] * 3), dtype=cv2.CV_8U), np.uint8)


def mask_of(store: Store, segment_config: str, person: Person) -> MaskRLE | None:
    """Return the mask of a person from the shard that holds it; None if the shard does not hold it."""
    return masks_of(store, segment_config, [person]).get(person.person_id)


def masks_of(store: Store, segment_config: str, people: Sequence[Person]) -> dict[str, MaskRLE]:
    """Return the masks of people by id, from the shards that hold them; without those that no shard holds."""
    masks = {}
    for shard in dict.fromkeys(person.shard for person in people):
        wanted = pa.array([person.person_id for person in people if person.shard == shard])
        rows = store.shard("segment", segment_config, shard).read(
            "people", ["person_id", "mask_height", "mask_width", "mask_counts"]
        )
        for row in rows.filter(pc.is_in(rows["person_id"], wanted)).to_pylist():
            counts = row["mask_counts"].encode("ascii")
            masks[row["person_id"]] = MaskRLE(row["mask_height"], row["mask_width"], counts)
    return masks
