"""Pictures of an export: crops of people, and copies of whole images. They are read from the archive once for
each table.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from par_core.archive import Entry, decode, read_entries
from par_core.config import ArchiveConfig, CutoutConfig
from par_core.errors import UnreadableImageError
from par_core.ids import image_id
from par_core.people.cutout import cut_out
from par_core.store.layout import Store
from par_core.types import MaskRLE

__all__ = ["cut_people", "masks_of", "read_pictures"]

_QUALITY: Final = 92
_MASK: Final = ["person_id", "mask_height", "mask_width", "mask_counts"]


def masks_of(people: pa.Table, store: Store, segment_config: str) -> dict[str, MaskRLE]:
    """Return the masks of people by id, read from their shards."""
    masks: dict[str, MaskRLE] = {}
    for shard in pc.unique(people["shard"]).to_pylist():
        person_ids = people.filter(pc.equal(people["shard"], shard))["person_id"].combine_chunks()
        table = store.shard("segment", segment_config, shard).read("people", _MASK)
        for row in table.filter(pc.is_in(table["person_id"], value_set=person_ids)).to_pylist():
            masks[row["person_id"]] = MaskRLE(
                row["mask_height"], row["mask_width"], row["mask_counts"].encode("ascii")
            )
    return masks


def read_pictures(
    people: pa.Table, config: ArchiveConfig
) -> Iterator[tuple[list[dict[str, Any]], bytes | str]]:
    """Read the files of people, each once.

    Yields:
        The rows of the people of a file (without attributes and vectors), and its bytes, or the reason why it
        cannot be used.
    """
    by_uri: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in people.select(["person_id", "image_id", "uri", "x1", "y1", "x2", "y2"]).to_pylist():
        by_uri[row["uri"]].append(row)
    for entry, content in read_entries([Entry(uri, 0, "") for uri in by_uri], config):
        rows = by_uri[entry.uri]
        if isinstance(content, UnreadableImageError):
            yield rows, f"the file is not there any more ({content.status})"
        elif image_id(content) != rows[0]["image_id"]:
            yield rows, "the file is another one now"
        else:
            yield rows, content


def cut_people(
    rows: list[dict[str, Any]],
    content: bytes,
    masks: dict[str, MaskRLE],
    cutout: CutoutConfig,
    config: ArchiveConfig,
    folder: Path,
) -> None:
    """Write the people of one file as ``PERSON_ID.jpg``, in the resolution of the file.

    Raises:
        UnreadableImageError: The file is not a picture.
    """
    image = decode(content, config).pixels
    for row in rows:
        box = np.array([row["x1"], row["y1"], row["x2"], row["y2"]], np.float32)
        person = cut_out(
            image, box, masks[row["person_id"]], cutout, float((box[3] - box[1]) / (box[2] - box[0]))
        )
        Image.fromarray(person).save(folder / f"{row['person_id']}.jpg", "JPEG", quality=_QUALITY)
