"""People for the network of ``par generate swap``: those to learn from, those held back, and batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from torch import Tensor

from par_core.errors import BadConfigError
from par_core.evaluate.made.people import drawn_to_test
from par_core.ids import image_id
from par_core.made.garments import Dressed, garments, read_dressed
from par_core.made.recolour import recolour, term_weights
from par_core.made.recolouring import everybody
from par_core.made.swap_view import View, view_of
from par_core.models.swapper import as_parts, as_pictures
from par_core.training.attribute_data import held_out_of_ccp

__all__ = ["Batch", "SwapPeople", "SwapPerson", "draw_batch", "known_swaps", "read_swap_people"]

_EVEN: Final = term_weights("uniform", {})


@dataclass(frozen=True, slots=True)
class SwapPerson:
    """A person to learn from, or held back.

    Attributes:
        id: Id of the image.
        file: Its file, relative to the folder of the data set.
        small: The person at the network's size.
    """

    id: str
    file: str
    small: Dressed


@dataclass(frozen=True, slots=True)
class SwapPeople:
    """Everybody with a map of the garments.

    Attributes:
        train: Who is learned from.
        held_back: The people who are held out from PAR's own training, and the test people of
            ``par evaluate made``; nothing is chosen on them.
    """

    train: tuple[SwapPerson, ...]
    held_back: tuple[SwapPerson, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """n people, and how each looks in a picture that is known.

    Attributes:
        pictures: (n, 3, 96, 48) in [0, 1], the background grey.
        parts: (n, parts, 96, 48).
        wanted: The same people as they are, or in other colours by their maps; like ``pictures``.
    """

    pictures: Tensor
    parts: Tensor
    wanted: Tensor


def read_swap_people(dataset: str, root: Path) -> SwapPeople:
    """Read everybody with a map.

    Raises:
        BadConfigError: The data set has no maps, or too few people have.
    """
    root = root.resolve()
    people = everybody(dataset, root)
    held_out = held_out_of_ccp(len(people))
    found, held = list[SwapPerson](), list[bool]()
    for person, out in zip(people, held_out, strict=True):
        dressed = read_dressed(person) if person.label_map is not None else None
        if dressed is not None:
            view = view_of(dressed)
            file = person.image.relative_to(root).as_posix()
            small = Dressed(person, view.picture, view.regions)
            found.append(SwapPerson(image_id(person.image.read_bytes()), file, small))
            held.append(bool(out))
    apart = np.array(held, bool) | drawn_to_test(len(found))
    train = tuple(each for each, out in zip(found, apart, strict=True) if not out)
    if len(train) < 2 or len(train) == len(found):
        raise BadConfigError(
            f"{root}: of {len(found)} people with maps of their garments {len(train)} are for training; that"
            " is too few to swap the clothes of two, and to hold somebody back"
        )
    return SwapPeople(train, tuple(each for each, out in zip(found, apart, strict=True) if out))


def draw_batch(people: Sequence[SwapPerson], size: int, rng: np.random.Generator) -> Batch:
    """Draw different people, mirrored or not; the half of them has other colours in ``wanted``."""
    rows = rng.permutation(len(people))[:size]
    chosen = [_mirrored(people[int(row)].small, rng) for row in rows]
    recoloured = [_recoloured(small, rng) if rng.random() < 0.5 else small.picture.copy() for small in chosen]
    return _batch(chosen, recoloured)


def known_swaps(people: Sequence[SwapPerson], seed: int) -> Batch:
    """Everybody in other colours, the same for the same seed."""
    rng = np.random.default_rng(seed)
    return _batch([each.small for each in people], [_recoloured(each.small, rng) for each in people])


def _batch(people: Sequence[Dressed], wanted: Sequence[np.ndarray]) -> Batch:
    parts = as_parts([View(each.picture, each.regions, (0, 0, 0, 0)).parts for each in people])
    return Batch(as_pictures([each.picture for each in people], parts), parts, as_pictures(wanted, parts))


def _recoloured(small: Dressed, rng: np.random.Generator) -> np.ndarray:
    return recolour(small, garments(small.picture, small.regions), _EVEN, rng).picture


def _mirrored(small: Dressed, rng: np.random.Generator) -> Dressed:
    if rng.random() < 0.5:
        return small
    picture, regions = (np.ascontiguousarray(each[:, ::-1]) for each in (small.picture, small.regions))
    return Dressed(small.person, picture, regions)
