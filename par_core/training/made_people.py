"""Made people beside the real ones that a network learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.merged_labels import LabelledPerson
from par_core.datasets.outlines import Photo
from par_core.errors import BadConfigError
from par_core.made.folder import MadeFolder, as_labelled, ids_of

__all__ = ["NOBODY", "MadePeople", "made_photos", "read_made"]


@dataclass(frozen=True, slots=True)
class MadePeople:
    """Made people who may be learned from, and how often they are drawn.

    Attributes:
        people: None of them was made from anybody outside of the training part.
        share: Probability that a made person is drawn in place of a real one.
        dropped: Made people of the folder who were made from somebody outside of the training part.
    """

    people: tuple[LabelledPerson, ...]
    share: float
    dropped: int

    def mix(self, batch: list[LabelledPerson], rng: np.random.Generator) -> list[LabelledPerson]:
        """The same batch with made people in some places; without made people nothing is drawn."""
        if not self.people:
            return batch
        return [
            self.people[int(rng.integers(len(self.people)))] if rng.random() < self.share else person
            for person in batch
        ]


#: No made people.
NOBODY: Final = MadePeople((), 0.0, 0)


def read_made(
    folder: Path | None, weight: float, train: Sequence[LabelledPerson], attributes: Sequence[str]
) -> MadePeople:
    """Read the made people who may be learned from beside some real ones.

    Args:
        folder: A folder of ``par generate``; None for nobody.
        weight: How often a made picture is drawn, of how often a real one is.
        train: The real people who are learned from.
        attributes: Names of the labels, in order.

    Raises:
        BadConfigError: The folder is not finished, or holds nobody who was made from these people alone.
        StoreError: It is damaged.
    """
    if folder is None:
        return NOBODY
    made = MadeFolder.open(folder)
    allowed = made.allowed(ids_of([person.image for person in train]))
    if not allowed:
        raise BadConfigError(
            f"{folder}: none of its {len(made.people)} people was made from people of the training part alone"
        )
    share = weight * len(allowed) / (len(train) + weight * len(allowed))
    people = as_labelled(folder, allowed, attributes)
    return MadePeople(tuple(people), share, len(made.people) - len(allowed))


def made_photos(folder: Path, train: Mapping[str, Sequence[Photo]]) -> tuple[Photo, ...]:
    """Return the composites of which every person and the scene are among the training photographs.

    Args:
        folder: A folder of ``par generate composite``.
        train: Photographs to learn from, by source.

    Raises:
        BadConfigError: The folder is not finished, or there are none.
        StoreError: It is damaged.
    """
    made = MadeFolder.open(folder)
    ids = ids_of([photo.image for photos in train.values() for photo in photos])
    scenes = {
        row.scene_picture: set(row.sources) | {row.scene}
        for row in made.people
        if row.scene_picture is not None
    }
    names = [name for name, shown in sorted(scenes.items()) if shown <= ids]
    if not names:
        raise BadConfigError(
            f"{folder}: none of its {len(scenes)} scenes is composed of training photographs alone"
        )
    return tuple(Photo("made", folder / name, folder / "masks" / f"{Path(name).stem}.png") for name in names)
