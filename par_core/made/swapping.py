"""People in the clothes of others, by a network of ``par generate swap train``, shard by shard."""

import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from cachetools import LRUCache, cached
from PIL import Image
from pydantic import BaseModel, ConfigDict

from par_core.attributes.clothing_parts import LEAST_SHOWN, PARTS
from par_core.datasets.merged_labels import NAMES, LabelledPerson
from par_core.errors import BadConfigError
from par_core.ids import image_id
from par_core.made.garments import FEET, LOWER, UPPER, Dressed, Garment, garments, largest, read_dressed
from par_core.made.marking import marked_jpeg
from par_core.made.plan import MakingPlan, Source, Tally
from par_core.made.recolouring import labels_by_name, mapped_people
from par_core.made.rows import MadePerson
from par_core.made.swap_view import View, put_back, view_of
from par_core.models.shipped import file_digest

if TYPE_CHECKING:
    from par_core.models.swapper import Swapper

__all__ = ["SwapSettings", "plan_swap", "swap_shard"]

KIND: Final = "swap"
#: Garments of the parts that are swapped.
_SWAPPED: Final[Mapping[str, tuple[str, ...]]] = {"upper": UPPER, "lower": LOWER, "feet": FEET}
_COUNTED: Final = ("upper", "lower")  # parts whose largest garment must have the lender's colour


class SwapSettings(BaseModel):
    """What clothes are swapped by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Path
    """Folder of the trained network."""
    network: str
    """Digest of its weights."""


@dataclass(frozen=True, slots=True)
class _Lender:
    """Somebody whose clothes can be worn by others.

    Attributes:
        view: As the network sees them.
        terms: Colour of the largest garment of each part that shows, None where it is not sure.
        kinds: Attribute of the largest garment of each part.
    """

    view: View
    terms: Mapping[str, str | None]
    kinds: Mapping[str, str]

    def colour(self, part: str) -> str | None:
        """The colour that the part of another takes; the upper garment also dresses legs, as a dress does."""
        return self.terms.get(part, self.terms.get("upper") if part == "lower" else None)

    def dresses(self, part: str) -> bool:
        """Whether another's part takes anything from them."""
        return part in self.terms or (part == "lower" and "upper" in self.terms)


def plan_swap(folder: Path, run: Path, dataset: str, root: Path, seed: int, n: int) -> MakingPlan:
    """Plan n swaps among the people whom the network has learned from: it knows nobody else.

    Raises:
        BadConfigError: ``run`` holds no trained network, the data set has no maps, or somebody whom the
            network has learned from is no longer in it.
    """
    from par_core.models.swapper import WEIGHTS, learned_from

    people = learned_from(run)
    mapped_people(dataset, root)
    root = root.resolve()
    gone = [name for image, name in people if not _is_there(root / name, image)]
    if gone:
        raise BadConfigError(
            f"{len(gone)} of {len(people)} people whom {run} has learned from are not in {root} as they were"
            f" ({gone[0]}); train again with par generate swap train"
        )
    settings = SwapSettings(run=run.resolve(), network=file_digest(run / WEIGHTS))
    sources = tuple(Source(image, name) for image, name in people)
    return MakingPlan(folder, KIND, settings.model_dump(mode="json"), dataset, root, seed, sources, n)


def _is_there(file: Path, image: str) -> bool:
    return file.is_file() and image_id(file.read_bytes()) == image


def swap_shard(plan: MakingPlan, shard: int) -> None:
    """Make the swaps of one shard, and write its file last; one that is refused leaves its number free.

    Raises:
        BadConfigError: The network is not the one of the plan.
    """
    settings = SwapSettings.model_validate(plan.settings)
    swapper = _swapper(settings.run, settings.network)
    lenders = _lenders(plan.dataset, plan.root, tuple(source.file for source in plan.sources))
    by_file = {person.image: person for person in mapped_people(plan.dataset, plan.root)}
    rows, files, tally = list[MadePerson](), dict[str, bytes](), Tally(0, 0, {})
    for number in plan.items_of(shard):
        rng = plan.rng(number)
        of, lender = _pair(lenders, rng)
        source = plan.sources[of]
        row, contents, counted = _swap(
            plan,
            (source, plan.sources[lender]),
            by_file[plan.root / source.file],
            lenders[lender],
            swapper,
            number,
        )
        rows += [row] if row is not None else []
        files |= contents
        tally += counted
    plan.finish_shard(shard, rows, files, tally)


@lru_cache(maxsize=1)
def _swapper(run: Path, digest: str) -> "Swapper":
    from par_core.models.swapper import WEIGHTS, Swapper

    swapper = Swapper(run)
    if file_digest(run / WEIGHTS) != digest:
        raise BadConfigError(f"{run} holds another network than the one that this folder was begun with")
    return swapper


@cached(LRUCache(maxsize=2), lock=threading.Lock())  # threads that ask at once read the maps once
def _lenders(dataset: str, root: Path, files: tuple[str, ...]) -> Mapping[int, _Lender]:
    """Those of the people whose map can be read, by their place."""
    by_file = {person.image: person for person in mapped_people(dataset, root)}
    lenders = {}
    for place, name in enumerate(files):
        person = by_file.get(root / name)
        dressed = read_dressed(person) if person is not None else None
        if dressed is not None:
            lenders[place] = _lender(dressed)
    if len(lenders) < 2:
        raise BadConfigError(f"{root} has no two people left whose clothes could be swapped")
    return lenders


def _lender(dressed: Dressed) -> _Lender:
    view, known = view_of(dressed), dict(dressed.person.colours)
    pixels = np.bincount(view.regions.ravel(), minlength=256)
    parts = np.bincount(view.parts.ravel(), minlength=len(PARTS))
    kinds = {
        part: max(worn, key=lambda name: pixels[1 + NAMES.index(name)])
        for part, worn in _SWAPPED.items()
        if parts[PARTS.index(part)] >= LEAST_SHOWN
    }
    return _Lender(view, {part: known.get(kind) for part, kind in kinds.items()}, kinds)


def _pair(lenders: Mapping[int, _Lender], rng: np.random.Generator) -> tuple[int, int]:
    """Somebody, and who lends the clothes; half of the lenders are drawn by a colour, so that rare ones come.

    A lender has a sure colour to lend, where anybody has.
    """
    places = sorted(lenders)
    of = places[int(rng.integers(len(places)))]
    able = [each for each in places if each != of and any(lenders[each].colour(part) for part in _COUNTED)]
    able = able or [each for each in places if each != of]
    if rng.random() < 0.5:
        terms = sorted({term for each in able for term in _terms(lenders[each])})
        if terms:
            term = terms[int(rng.integers(len(terms)))]
            able = [each for each in able if term in _terms(lenders[each])]
    return of, able[int(rng.integers(len(able)))]


def _terms(lender: _Lender) -> set[str]:
    return {term for part in _COUNTED if (term := lender.terms.get(part)) is not None}


def _swap(
    plan: MakingPlan,
    pair: tuple[Source, Source],
    person: LabelledPerson,
    lender: _Lender,
    swapper: "Swapper",
    number: int,
) -> tuple[MadePerson | None, dict[str, bytes], Tally]:
    dressed = read_dressed(person)
    assert dressed is not None  # the pair was drawn of people whose maps were read
    view = view_of(dressed)
    painted = swapper((view.picture, view.parts), (lender.view.picture, lender.view.parts))
    parts = [part for part in _SWAPPED if lender.dresses(part)]
    content = marked_jpeg(put_back(dressed, view, painted, parts), KIND)
    before = {each.attribute: each for each in garments(dressed.picture, dressed.regions)}
    after = garments(np.asarray(Image.open(io.BytesIO(content))), dressed.regions)
    agreed, tally = _judge(after, lender)
    if not tally.kept:
        return None, {}, tally
    colours, changed = _colours(before, after, agreed, lender)
    labels = labels_by_name(person)
    if "jeans" in changed and lender.kinds.get("lower") != "jeans":  # the word tells a colour
        labels.pop("jeans", None)
        changed["jeans"] = "unknown"
    files = f"pictures/{number:06d}.jpg", f"maps/{number:06d}.png"
    shown = {part: largest(after, _SWAPPED[part]) for part in _COUNTED}
    terms = {part: colours.get(each.attribute) if each else None for part, each in shown.items()}
    row = MadePerson(
        picture=files[0],
        map=files[1],
        kind=KIND,
        of=pair[0].id,
        sources=(pair[0].id, pair[1].id),
        files=(pair[0].file, pair[1].file),
        labels=labels,
        changed=changed,
        colours=colours,
        upper=terms["upper"],
        lower=terms["lower"],
        seed=plan.seed,
        parameters={"number": number, "parts": parts},
    )
    return row, {files[0]: content, files[1]: cv2.imencode(".png", dressed.regions)[1].tobytes()}, tally


def _judge(after: list[Garment], lender: _Lender) -> tuple[set[str], Tally]:
    """Which parts have the lender's colour in the file; the largest garment of each is asked."""
    agreed, tried, refused = set[str](), 0, dict[str, int]()
    for part in _COUNTED:
        garment = largest(after, _SWAPPED[part])
        if garment is None or not lender.dresses(part):
            continue
        tried += 1
        if lender.colour(part) is None:
            reason = f"{part}: the lender's colour is not sure"
        elif garment.sure_colour != lender.colour(part):
            reason = f"{part}: named otherwise than the lender's"
        else:
            agreed.add(part)
            continue
        refused[reason] = refused.get(reason, 0) + 1
    if not tried:
        return agreed, Tally(1, 0, {"nothing to swap": 1})
    return agreed, Tally(tried, len(agreed), refused)


def _colours(
    before: Mapping[str, Garment], after: list[Garment], agreed: set[str], lender: _Lender
) -> tuple[dict[str, str], dict[str, str]]:
    """The colours that are known of a swap, and what is changed, by attribute."""
    part_of = {name: part for part, worn in _SWAPPED.items() for name in worn}
    colours, changed = dict[str, str](), dict[str, str]()
    for garment in after:
        name, now, part = garment.attribute, garment.sure_colour, part_of.get(garment.attribute)
        then = before[name].sure_colour if name in before else None
        swapped = part is not None and lender.dresses(part)
        wanted = lender.colour(part) if swapped and part is not None else then
        sure = now is not None and now == wanted and (part not in _COUNTED or not swapped or part in agreed)
        if sure and now is not None:
            colours[name] = now
        if swapped and not sure:
            changed[name] = "unknown"
        elif swapped and then != now:
            changed[name] = f"{then or 'unknown'} > {now}"
    return colours, changed
