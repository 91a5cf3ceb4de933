"""Copies of people in other colours, shard by shard."""

import io
import threading
from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
from cachetools import LRUCache, cached
from jaxtyping import Float64
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from par_core.datasets.merged_labels import NAMES, LabelledPerson, labelled_people
from par_core.errors import BadConfigError
from par_core.made.garments import LOWER, UPPER, Dressed, Garment, garments, largest, read_dressed
from par_core.made.marking import marked_jpeg
from par_core.made.plan import MakingPlan, Source, Tally, sources_of
from par_core.made.recolour import Draw, Recoloured, recolour, term_weights
from par_core.made.rows import MadePerson

__all__ = [
    "MAPPED_SETS",
    "RecolourSettings",
    "everybody",
    "labels_by_name",
    "mapped_people",
    "plan_recolour",
    "recolour_shard",
]

#: Data sets with maps of the pixels of garments.
MAPPED_SETS: Final = ("ccp",)
KIND: Final = "recolour"


class RecolourSettings(BaseModel):
    """How people are recoloured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_person: Annotated[int, Field(ge=1, le=1000)] = 4
    """Copies to try of each person."""
    colours: Draw = "mixed"
    """How colours are drawn: ``term_weights``."""
    seen: dict[str, int] = {}
    """How many garments of the sources have each colour; counted when the run is planned."""


def mapped_people(dataset: str, root: Path) -> list[LabelledPerson]:
    """The people of a data set whose garments have pixel maps, by file name.

    Raises:
        BadConfigError: The data set has no such maps, or the folder does not hold it.
    """
    return [person for person in everybody(dataset, root) if person.label_map is not None]


def everybody(dataset: str, root: Path) -> list[LabelledPerson]:
    """The people of a data set with maps for some of them, by file name.

    Raises:
        BadConfigError: As ``mapped_people``.
    """
    if dataset not in MAPPED_SETS:
        raise BadConfigError(
            f"{dataset!r} has no maps of the pixels of garments; there are: {', '.join(MAPPED_SETS)}"
        )
    return list(_everybody(root.resolve()))


@cached(LRUCache(maxsize=2), lock=threading.Lock())  # threads that ask at once read the maps once
def _everybody(root: Path) -> tuple[LabelledPerson, ...]:
    return tuple(labelled_people("ccp", root))


def plan_recolour(
    folder: Path,
    dataset: str,
    root: Path,
    seed: int,
    per_person: int,
    colours: Draw,
) -> MakingPlan:
    """Plan copies of everybody with a pixel map.

    Raises:
        BadConfigError: As ``mapped_people``.
    """
    people = mapped_people(dataset, root)
    seen = Counter(colour for person in people for _, colour in person.colours)
    settings = RecolourSettings(per_person=per_person, colours=colours, seen=dict(sorted(seen.items())))
    sources = sources_of(root.resolve(), [person.image for person in people])
    return MakingPlan(
        folder, KIND, settings.model_dump(), dataset, root.resolve(), seed, sources, len(sources)
    )


def recolour_shard(plan: MakingPlan, shard: int) -> None:
    """Make the copies of the people of one shard, and write its file last.

    Every source gets ``per_person`` numbers; a copy that is refused leaves its number free.
    """
    settings = RecolourSettings.model_validate(plan.settings)
    weights = term_weights(settings.colours, settings.seen)
    by_file = {person.image: person for person in mapped_people(plan.dataset, plan.root)}
    rows, files, tally = list[MadePerson](), dict[str, bytes](), Tally(0, 0, {})
    for item in plan.items_of(shard):
        source = plan.sources[item]
        person = by_file.get(plan.root / source.file)
        dressed = read_dressed(person) if person is not None else None
        if dressed is None:
            tally += Tally(settings.per_person, 0, {"no map of the picture's size": settings.per_person})
            continue
        worn = garments(dressed.picture, dressed.regions)
        for copy in range(settings.per_person):
            number = item * settings.per_person + copy
            row, contents, counted = _copy(plan, source, dressed, worn, weights, number)
            rows += [row] if row is not None else []
            files |= contents
            tally += counted
    plan.finish_shard(shard, rows, files, tally)


def _copy(
    plan: MakingPlan,
    source: Source,
    dressed: Dressed,
    worn: list[Garment],
    weights: Float64[np.ndarray, " terms"],
    number: int,
) -> tuple[MadePerson | None, dict[str, bytes], Tally]:
    done = recolour(dressed, worn, weights, plan.rng(source.id, number))
    if not done.changes:
        refused = dict(done.refused) if done.tried else {"nothing to recolour": 1}
        return None, {}, Tally(max(1, done.tried), 0, refused)
    content = marked_jpeg(done.picture, KIND)
    seen = garments(np.asarray(Image.open(io.BytesIO(content))), dressed.regions)
    if not _as_wanted(done, worn, seen):
        changed = len(done.changes)
        return None, {}, Tally(done.tried, 0, {**done.refused, "named otherwise as JPEG": changed})
    files = f"pictures/{number:06d}.jpg", f"maps/{number:06d}.png"
    contents = {files[0]: content, files[1]: cv2.imencode(".png", dressed.regions)[1].tobytes()}
    upper, lower = largest(seen, UPPER), largest(seen, LOWER)
    row = MadePerson(
        picture=files[0],
        map=files[1],
        kind=KIND,
        of=source.id,
        sources=(source.id,),
        files=(source.file,),
        labels=labels_by_name(dressed.person),
        changed={each.attribute: f"{each.before} > {each.after}" for each in done.changes},
        colours={each.attribute: each.sure_colour for each in seen if each.sure_colour is not None},
        upper=upper.sure_colour if upper else None,
        lower=lower.sure_colour if lower else None,
        seed=plan.seed,
        parameters={"number": number},
    )
    return row, contents, Tally(done.tried, len(done.changes), done.refused)


def _as_wanted(done: Recoloured, before: list[Garment], after: list[Garment]) -> bool:
    """Whether the file shows every changed garment in its new colour, and every other as it was."""
    wanted = {each.attribute: each.sure_colour for each in before}
    wanted |= {each.attribute: each.after for each in done.changes}
    shown = {each.attribute: each.sure_colour for each in after}
    return all(shown.get(name) == colour for name, colour in wanted.items() if colour is not None)


def labels_by_name(person: LabelledPerson) -> dict[str, float]:
    """What is known of a person, by attribute."""
    return {name: label for name, label in zip(NAMES, person.labels, strict=True) if label == label}
