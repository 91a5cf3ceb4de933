"""The rows that segment writes for one shard: one an entry, one a person."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from par_core.archive import DecodedImage, Entry
from par_core.errors import BadInputError, UnreadableImageError
from par_core.ids import person_id
from par_core.people.masks import mask_area
from par_core.stages.known_images import KnownImage
from par_core.stages.person_labels import labelled
from par_core.stages.pictures import Picture
from par_core.status import Status
from par_core.store.schemas import IMAGES, PEOPLE, UNREADABLE_TIME
from par_core.store.suppression import SuppressionList
from par_core.types import PersonInstances

__all__ = ["ImageRows", "counts_of", "image_label"]


def image_label(people: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the columns of an image that follow from the labels of its people."""
    kinds = Counter(person["status"] for person in people)
    return {
        "status": (Status.OK if kinds[Status.OK] else Status.NO_PEOPLE).value,
        "n_people": kinds[Status.OK] + kinds[Status.SECOND_CUT],
        "n_too_small": kinds[Status.TOO_SMALL],
    }


def counts_of(images: pa.Table, people: pa.Table) -> dict[str, int]:
    """Return the counts for the manifest of a segmented shard: images by status, and all images and
    people.
    """
    return {**Counter(images["status"].to_pylist()), "images": len(images), "people": len(people)}


class ImageRows:
    """Collects the rows of one shard.

    Args:
        attempt: Number of the attempt at the shard's files, from 1.
        suppressed: Suppression list of the store.
        min_height_px: People less high than this are ``too_small``.
        segmenter: Fingerprint of the segmenter.
    """

    def __init__(self, attempt: int, suppressed: SuppressionList, min_height_px: int, segmenter: str) -> None:
        self._attempt = attempt
        self._suppressed = suppressed
        self._min_height_px = min_height_px
        self._segmenter = segmenter
        self._images: dict[str, dict[str, Any]] = {}  # by uri
        self._people: list[dict[str, Any]] = []
        self._first: dict[str, str] = {}  # uri of the entry whose bytes were decoded, by image id
        self._copies: list[tuple[Entry, str]] = []

    def add_failure(self, picture: Picture, error: UnreadableImageError) -> None:
        """Add the row of a picture that cannot be used."""
        self._images[picture.entry.uri] = self._row(
            picture.entry, error.status, error.message, picture.image_id
        )
        if isinstance(picture.content, DecodedImage) and picture.image_id is not None:
            self._first[picture.image_id] = picture.entry.uri

    def add_known(self, entry: Entry, identity: str, known: KnownImage) -> None:
        """Add an image with the results that another shard holds."""
        self._images[entry.uri] = dict(known.image) | self._key(entry)
        self._first[identity] = entry.uri
        self._people += known.people

    def add_copy(self, entry: Entry, identity: str) -> None:
        """Add a further file with the bytes of an image."""
        self._copies.append((entry, identity))

    def add_people(
        self, entry: Entry, identity: str, image: DecodedImage, instances: PersonInstances
    ) -> list[dict[str, Any]]:
        """Add an image and its people.

        Returns:
            The rows of its people, without those who are forgotten, highest score first.
        """
        detected = [self._person(identity, instances, i) for i in range(len(instances))]
        boxes = [(row["person_id"], (row["x1"], row["y1"], row["x2"], row["y2"])) for row in detected]
        gone = self._suppressed.forgotten_people(identity, boxes, self._segmenter)
        staying = [person for person in detected if person["person_id"] not in gone]
        people = labelled(staying, self._min_height_px)
        people.sort(key=lambda row: (-row["score"], row["person_id"]))
        height, width = image.pixels.shape[:2]
        self._images[entry.uri] = (
            self._row(entry, Status.OK, UNREADABLE_TIME if image.unreadable_time else "", identity)
            | {"width": width, "height": height, "format": image.format, "captured_at": image.captured_at}
            | image_label(people)
        )
        self._first[identity] = entry.uri
        self._people += people
        return people

    def tables(self, entries: Sequence[Entry]) -> tuple[pa.Table, pa.Table]:
        """Return the tables of images, by uri, and of people, by image.

        Raises:
            BadInputError: There is not one row an entry.
        """
        for entry, identity in self._copies:
            self._images[entry.uri] = self._images[self._first[identity]] | self._key(entry)
        if self._images.keys() != {entry.uri for entry in entries}:
            raise BadInputError(f"{len(entries)} entries went in, {len(self._images)} rows came out")
        images = [self._images[uri] for uri in sorted(self._images)]
        people = sorted(self._people, key=lambda row: (row["image_id"], -row["score"], row["person_id"]))
        return pa.Table.from_pylist(images, schema=IMAGES), pa.Table.from_pylist(people, schema=PEOPLE)

    def _row(self, entry: Entry, status: Status, message: str, identity: str | None) -> dict[str, Any]:
        return self._key(entry) | {
            "status": status.value,
            "message": message,
            "image_id": identity,
            "n_people": 0,
            "n_too_small": 0,
        }

    def _key(self, entry: Entry) -> dict[str, Any]:
        return {
            "uri": entry.uri,
            "size": entry.size,
            "version": entry.version,
            "attempt": self._attempt,
        }

    def _person(self, identity: str, instances: PersonInstances, i: int) -> dict[str, Any]:
        box, mask = instances.boxes[i].tolist(), instances.masks[i]
        return {
            "person_id": person_id(identity, box, self._segmenter),
            "image_id": identity,
            "score": float(instances.scores[i]),
            **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
            "mask_height": mask.height,
            "mask_width": mask.width,
            "mask_counts": mask.counts.decode("ascii"),
            "mask_area": mask_area(mask),
        }
