"""Results of images that other shards hold already: of files that were moved, renamed or copied.

They are taken over as whole rows, so that a shard never depends on another one: it is what it would be if
models had seen its pictures, and is described again, relabelled, divided or erased from like any other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from par_core.errors import StoreError
from par_core.stages.provenance import needs_relabel
from par_core.stages.run import Run
from par_core.status import FAILED, Status
from par_core.store.schemas import IMAGES
from par_core.store.shards import Manifest, ShardFolder

__all__ = ["KnownImage", "KnownImages"]

_READ = (Status.OK, Status.NO_PEOPLE)


@dataclass(frozen=True, slots=True)
class KnownImage:
    """Rows of one image.

    Attributes:
        image: A row of the schema IMAGES, of some file with these bytes.
        people: Rows of its people, schema PEOPLE.
        descriptions: Rows of the same people, as ``descriptions_schema`` has them.
    """

    image: Mapping[str, Any]
    people: Sequence[dict[str, Any]]
    descriptions: Sequence[dict[str, Any]]


class KnownImages:
    """Images that a shard may take over from others; a shard is read when one of its images is met.

    Args:
        run: The run.
        places: Id of an image and of the shard that is said to hold its results, of any number.

    Attributes:
        described_by: Record of the describer of the rows that were taken over; None as long as there are
            none.
    """

    def __init__(self, run: Run, places: Iterable[tuple[str, str]]) -> None:
        self.described_by: Mapping[str, Any] | None = None
        self._run = run
        self._places = dict(places)
        self._images: dict[str, KnownImage] = {}
        self._read: set[str] = set()

    def find(self, image_id: str) -> KnownImage | None:
        """Return the results of an image, or None if they are not known: its shard was deleted or is not
        described any more, is still to be relabelled, or could not describe one of the people.

        Raises:
            StoreError: The shard is damaged.
        """
        shard_id = self._places.get(image_id)
        if shard_id is not None and shard_id not in self._read:
            self._read.add(shard_id)
            self._read_shard(shard_id)
        return self._images.get(image_id)

    def _read_shard(self, shard_id: str) -> None:
        run = self._run
        segmented = run.store.shard("segment", run.ids.segment, shard_id)
        described = run.store.shard("describe", run.ids.describe, shard_id)
        first, second = segmented.manifest(), described.manifest()
        if first is None or second is None or needs_relabel(first.info, second.info, run.config):
            return
        _require_whole(segmented, first)
        _require_whole(described, second)
        wanted = pa.array([image for image, shard in self._places.items() if shard == shard_id], pa.string())
        people = _by_image(segmented.read("people"), wanted)
        descriptions = _by_image(described.read("people"), wanted)
        for image_id, images in _by_image(segmented.read("images", IMAGES.names), wanted).items():
            of_people, of_descriptions = people.get(image_id, []), descriptions.get(image_id, [])
            if images[0]["status"] in _READ and not any(row["status"] in FAILED for row in of_descriptions):
                self._images[image_id] = KnownImage(images[0], of_people, of_descriptions)
                self.described_by = second.info


def _require_whole(folder: ShardFolder, manifest: Manifest) -> None:
    """Damage must not be copied under a new digest."""
    wrong = folder.wrong_files(manifest)
    if wrong:
        raise StoreError(
            f"{folder.path / wrong[0]} is missing or not as it was written; delete {folder.path}, then run"
            " par rebuild and par index"
        )


def _by_image(table: pa.Table, wanted: pa.Array) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of some images, by image."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in table.filter(pc.is_in(table["image_id"], value_set=wanted)).to_pylist():
        rows.setdefault(row["image_id"], []).append(row)
    return rows
