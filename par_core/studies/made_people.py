"""The people of an evaluation of made data: cut out, looked at by frozen networks, and kept."""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32

from par_core.atomic import write_atomic
from par_core.datasets.merged_labels import LabelledPerson
from par_core.errors import BadConfigError
from par_core.evaluate.made.people import drawn_to_test
from par_core.ids import digest_of
from par_core.made.folder import MadeFolder, as_labelled, ids_of
from par_core.made.garments import LOWER, UPPER, Garment, garments, largest, read_dressed
from par_core.made.recolouring import mapped_people
from par_core.made.rows import MadePerson
from par_core.training.cutouts import evaluation_cutout
from par_core.types import ImageU8

__all__ = ["Cut", "Network", "People", "features_of", "made_cuts", "read_people"]

_CHUNK: Final = 64

Network = Callable[[Sequence[ImageU8]], Float32[np.ndarray, "n d"]]
Worn = tuple[tuple[str, str] | None, ...]
Steps = Callable[[Sequence[Sequence["Cut"]]], Iterable[Sequence["Cut"]]]


@dataclass(frozen=True, slots=True)
class Cut:
    """A person to be cut out and looked at.

    Attributes:
        person: With the map that the cut-out follows.
        jitter: Seed of strong photometric jitter; None for none.
    """

    person: LabelledPerson
    jitter: int | None = None

    def picture(self) -> ImageU8:
        """The cut-out, the background eliminated by the map."""
        cutout = evaluation_cutout(self.person, eliminate=True)
        return cutout if self.jitter is None else _jittered(cutout, np.random.default_rng(self.jitter))

    @property
    def key(self) -> str:
        """Name of the cut-out: file, its size and time, and the jitter."""
        stat = self.person.image.stat()
        return f"{self.person.image}/{stat.st_size}/{stat.st_mtime_ns}/{self.jitter}"


@dataclass(frozen=True, slots=True)
class People:
    """Who is compared.

    Attributes:
        real: Real people with maps of their garments.
        worn: What each of them wears.
        train: Rows of ``real`` to learn from.
        test: Rows to be asked about; drawn once, whatever the seed.
        made: Made people of the training people.
        of: For each made person the row of ``real`` of whom it was made.
        sources: For each made person the rows of everybody of whom pixels are in the picture.
        copies: Jittered copies of each training person, as many as there are made people a training person.
    """

    real: tuple[LabelledPerson, ...]
    worn: tuple[Worn, ...]
    train: tuple[int, ...]
    test: tuple[int, ...]
    made: tuple[MadePerson, ...]
    of: tuple[int, ...]
    sources: tuple[frozenset[int], ...]
    copies: int


def read_people(folder: MadeFolder, dataset: str, root: Path) -> People:
    """Read a data set, draw the test people, and take the made people whose sources may be learned from.

    Raises:
        BadConfigError: The data set has no maps, or no made person was made of its training people.
    """
    listed, worn = [], []
    for person in mapped_people(dataset, root):
        dressed = read_dressed(person)
        if dressed is not None:
            listed.append(person)
            worn.append(_worn(garments(dressed.picture, dressed.regions)))
    tested = drawn_to_test(len(listed))
    train, test = (tuple(map(int, np.flatnonzero(which))) for which in (~tested, tested))
    if not train or not test:
        raise BadConfigError(
            f"{root}: {len(listed)} people with maps are too few to learn from and to test on"
        )
    ids = [next(iter(ids_of([person.image]))) for person in listed]
    row_of = {ids[row]: row for row in train}
    made = [person for person in folder.allowed(row_of) if person.of]
    if not made:
        raise BadConfigError(f"{folder.folder}: nobody in it was made of the training people of {root}")
    copies = max(1, round(len(made) / len(train)))
    of = tuple(row_of[person.of] for person in made)
    sources = tuple(frozenset(row_of[each] for each in person.sources) for person in made)
    return People(tuple(listed), tuple(worn), train, test, tuple(made), of, sources, copies)


def _worn(found: Sequence[Garment]) -> Worn:
    zones = (largest(found, UPPER), largest(found, LOWER))
    return tuple((each.attribute, each.sure_colour) if each and each.sure_colour else None for each in zones)


def features_of(
    cuts: Sequence[Cut], network: Network, fingerprint: str, folder: Path, follow: Steps
) -> Float32[np.ndarray, "n d"]:
    """What a network says about people; what an earlier run has kept is not computed again.

    Args:
        cuts: n people.
        network: Looks at cut-outs.
        fingerprint: Of the network.
        folder: Where the answers are kept, 64 people a file.
        follow: Shows how far it is.
    """
    answers = []
    for part in follow([cuts[start : start + _CHUNK] for start in range(0, len(cuts), _CHUNK)]):
        file = folder / f"{digest_of(fingerprint, *(cut.key for cut in part))}.npy"
        if not file.exists():
            sink = io.BytesIO()
            np.save(sink, network([cut.picture() for cut in part]))
            write_atomic(file, sink.getvalue())
        answers.append(np.load(file, allow_pickle=False))
    return np.concatenate(answers)


def made_cuts(folder: Path, people: Sequence[MadePerson]) -> list[Cut]:
    """Made people to be cut out."""
    return [Cut(person) for person in as_labelled(folder, people, ())]


def _jittered(picture: ImageU8, rng: np.random.Generator) -> ImageU8:
    """Brightness, contrast and saturation by half, the hue by 18 degrees: what is usual, and strong."""
    bright, contrast, saturation = rng.uniform(0.5, 1.5, 3)
    look = picture.astype(np.float32) * bright
    look = look.mean() + (look - look.mean()) * contrast
    hsv = cv2.cvtColor(np.clip(look, 0, 255).astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-18, 18)) % 360
    hsv[..., 1] = np.clip(hsv[..., 1] * saturation, 0, 1)
    return np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8)
