"""Training pictures of single people that look like what the pipeline cuts out of archives.

Where a mask is known the background is eliminated, blurred or kept; sharp photographs are also shown small,
soft, noisy and compressed, because archives of street cameras are. Some are cut below, as by a table or the
frame, and some lose their colour.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import UInt8

from par_core.attributes.clothing_parts import NEEDED, NEEDED_CLOSE
from par_core.datasets.merged_labels import NAMES, LabelledPerson, attribute_regions, read_label_map
from par_core.people.cutout import dilate_mask, paint_background
from par_core.types import ImageU8

__all__ = ["USUAL_FRAMING", "Cutout", "Framing", "evaluation_cutout", "training_cutout", "visible"]

_DILATE = 0.03
_MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class Framing:
    """How often and how far a picture is cut below, as by a table or the frame.

    Attributes:
        often: Share of the sharp photographs that are cut.
        least: Share of the height that is left, at least; at most 0.95.
        close: Whether what is left is cut out again on all sides, as indexing cuts out what a picture shows
            of a person, so that heads fill portraits; there are then as many of a fifth to two fifths of the
            height as of two fifths to four fifths, and bags, belts, dresses and coats can be unknown too.
        grey: Share of the sharp photographs that are shown without colour.
    """

    often: float
    least: float
    close: bool = False
    grey: float = 0.0


USUAL_FRAMING: Final = Framing(often=0.15, least=0.55)


@dataclass(frozen=True, slots=True)
class Cutout:
    """A cut-out person.

    Attributes:
        picture: (h, w, 3).
        regions: Over the same frame, maybe with other numbers of pixels: 0, or 1 + the place in ``NAMES`` of
            the attribute that shows; None if not known.
        shown: Share of the person's height that is in the picture, from the top.
        close: Whether it was cut out again around what a picture that is cut below shows.
        grey: Whether the picture has no colour.
    """

    picture: ImageU8
    regions: UInt8[np.ndarray, "rows columns"] | None
    shown: float = 1.0
    close: bool = False
    grey: bool = False


def training_cutout(
    person: LabelledPerson,
    rng: np.random.Generator,
    *,
    eliminate: bool = True,
    framing: Framing = USUAL_FRAMING,
) -> Cutout:
    """A randomly varied cut-out of a person.

    With ``eliminate`` the background goes, mostly, where an outline is known. Where the data set's outline
    and the segmenter's are both known, either is taken.
    """
    choices = [outline for outline in (person.label_map, person.drawn_outline) if outline is not None]
    picture, mask = _read(person, choices[int(rng.integers(len(choices)))] if choices else None)
    regions = attribute_regions(person)
    rows, columns = _box(picture, mask, _MARGIN + rng.uniform(-0.04, 0.06, 4))
    regions = regions[rows, columns] if regions is not None and regions.shape == picture.shape[:2] else None
    picture, mask = picture[rows, columns], None if mask is None else mask[rows, columns]
    if mask is not None:
        kind = rng.random()
        if eliminate and kind < 0.85:
            picture = paint_background(
                picture, dilate_mask(mask, round(rng.uniform(0, 0.05) * picture.shape[0])), blur=kind > 0.7
            )
    mirrored, shown, sharp = rng.random() < 0.5, 1.0, person.source != "mit"
    if sharp and rng.random() < framing.often:
        shown = _shown(framing, rng)
    rows, columns = slice(int(picture.shape[0] * shown)), slice(None)
    if framing.close and shown < 1 and mask is not None and mask[rows].any():
        rows, columns = _box(picture[rows], mask[rows], _MARGIN + rng.uniform(-0.04, 0.06, 4))
    picture = picture[rows, columns][:, :: -1 if mirrored else 1]
    regions = None if regions is None else regions[rows, columns][:, :: -1 if mirrored else 1]
    grey = sharp and framing.grey > 0 and rng.random() < framing.grey
    if grey:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    varied = _vary_look(np.ascontiguousarray(picture), rng, soften=sharp, tint=not grey)
    regions = None if regions is None else np.ascontiguousarray(regions)
    return Cutout(varied, regions, shown, framing.close, grey)


def _shown(framing: Framing, rng: np.random.Generator) -> float:
    if framing.close:
        return float(np.exp(rng.uniform(np.log(framing.least), np.log(0.95))))
    return rng.uniform(framing.least, 0.95)


def visible(person: LabelledPerson, cutout: Cutout) -> LabelledPerson:
    """Return the person with what the cut-out no longer shows, such as the boots of a portrait, unknown."""
    needed = NEEDED_CLOSE if cutout.close else NEEDED
    hidden = {name for name, least in needed.items() if cutout.shown < least}
    labels = tuple(
        float("nan") if name in hidden else label for name, label in zip(NAMES, person.labels, strict=True)
    )
    colours = () if cutout.grey else person.colours
    colours = tuple(garment for garment in colours if garment[0] not in hidden)
    return replace(person, labels=labels, colours=colours)


def evaluation_cutout(
    person: LabelledPerson, *, eliminate: bool, shown: float = 1.0, grey: bool = False
) -> ImageU8:
    """The cut-out that the pipeline would make: background eliminated where a mask is known and
    ``eliminate`` is set.

    Args:
        person: The person.
        eliminate: Whether the background goes.
        shown: Share of the person's height that the photograph shows, from the top; less than 1 makes a
            portrait, cut out around what it shows, where a mask is known.
        grey: Whether the photograph has no colour.
    """
    picture, mask = _read(person, person.drawn_outline or person.label_map)
    if grey:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if mask is not None and shown < 1:
        rows, _ = _box(picture, mask, np.zeros(4))
        below = slice(rows.start + max(1, round(shown * (rows.stop - rows.start))))
        picture, mask = picture[below], mask[below]
    rows, columns = _box(picture, mask, np.full(4, _MARGIN))
    picture = picture[rows, columns]
    if mask is not None and eliminate:
        picture = paint_background(
            picture, dilate_mask(mask[rows, columns], round(_DILATE * picture.shape[0])), blur=False
        )
    return np.ascontiguousarray(picture)


def _read(person: LabelledPerson, outline: Path | None) -> tuple[ImageU8, np.ndarray | None]:
    picture = cv2.cvtColor(cv2.imread(str(person.image)), cv2.COLOR_BGR2RGB)
    if outline is None:
        return picture, None
    mask = read_label_map(outline) > 0
    return picture, mask if mask.shape == picture.shape[:2] else None


def _box(picture: ImageU8, mask: np.ndarray | None, margins: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the mask's box and a margin on each side (left, top, right, bottom, as shares);
    without a mask only negative margins count.
    """
    height, width = picture.shape[:2]
    x, y, w, h = (0, 0, width, height) if mask is None else cv2.boundingRect(mask.astype(np.uint8))
    left, top = max(0, round(x - margins[0] * w)), max(0, round(y - margins[1] * h))
    right, bottom = min(width, round(x + w + margins[2] * w)), min(height, round(y + h + margins[3] * h))
    return slice(top, bottom), slice(left, right)


def _vary_look(picture: ImageU8, rng: np.random.Generator, *, soften: bool, tint: bool) -> ImageU8:
    """Mild changes of light and colour (a coat must stay red), and strong ones of resolution."""
    look = picture.astype(np.float32)
    if rng.random() < 0.8:
        look = (look - look.mean()) * rng.uniform(0.75, 1.25) + look.mean() * rng.uniform(0.75, 1.25)
        look *= rng.uniform(0.95, 1.05, 3 if tint else 1).astype(np.float32)
    if rng.random() < 0.2:
        look += rng.normal(0, rng.uniform(2, 10), look.shape).astype(np.float32)
    varied = np.clip(look, 0, 255).astype(np.uint8)
    if soften and rng.random() < 0.5:
        height = int(np.exp(rng.uniform(np.log(70), np.log(300))))
        width = max(8, round(varied.shape[1] * height / varied.shape[0]))
        varied = cv2.resize(varied, (width, height), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.3:
        coded = cv2.imencode(".jpg", varied, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))])[1]
        varied = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    if rng.random() < 0.2:  # something in front
        h, w = varied.shape[:2]
        top, left = int(rng.integers(h)), int(rng.integers(w))
        varied[top : top + int(h * rng.uniform(0.05, 0.2)), left : left + int(w * rng.uniform(0.1, 0.4))] = (
            rng.integers(0, 256, 3)
        )
    return varied
