"""Outlines of COCO's JSON, checked when they are read: pycocotools decodes run lengths that do not add up to
masks of anything, and ends in errors of its own on others.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["checked_outline"]

_LEAST_NUMBERS: Final = 6  # of a polygon: three points
_FAR: Final = (
    2  # sides of the picture: pycocotools walks along edges in steps, and never ends on endless ones
)
_LONGEST_SIDE: Final = 65_535  # where the file does not state a size
_BITS: Final = 5  # of a character of compressed run lengths
_MORE: Final = 0x20
_NEGATIVE: Final = 0x10
_ZERO: Final = 48  # the character of 0


def checked_outline(segmentation: Any, image: dict[str, Any]) -> Any:
    """Return a segmentation in a form that pycocotools reads: polygons of at least three points and some
    area, or run lengths of the photograph's size.

    Args:
        segmentation: As the file has it.
        image: The file's entry of the photograph.

    Raises:
        ValueError: It has no such form; says why.
    """
    if not segmentation:
        raise ValueError("a box without an outline")
    if isinstance(segmentation, dict):
        return _run_lengths(segmentation, [image.get("height"), image.get("width")])
    if not isinstance(segmentation, list):
        raise ValueError(f"an outline that is {type(segmentation).__name__}")
    sides = _whole([image.get("height"), image.get("width")])
    return _polygons(segmentation, _FAR * max(sides or [_LONGEST_SIDE]))


def _polygons(segmentation: list[Any], farthest: int) -> list[list[float | int]]:
    polygons = [segmentation] if all(isinstance(each, int | float) for each in segmentation) else segmentation
    kept = [polygon for polygon in polygons if isinstance(polygon, list) and len(polygon) >= _LEAST_NUMBERS]
    if not kept:
        raise ValueError("no polygon of three points")
    for polygon in kept:
        if len(polygon) % 2:
            raise ValueError(f"a polygon of {len(polygon)} numbers, not of pairs")
        if not all(isinstance(each, int | float) and math.isfinite(each) for each in polygon):
            raise ValueError("a coordinate that is no finite number")
        if any(abs(each) > farthest for each in polygon):
            raise ValueError(f"a coordinate more than {farthest} pixels away from the corner")
    if not any(map(_has_area, kept)):
        raise ValueError("an outline without area")
    return kept


def _has_area(polygon: Sequence[float | int]) -> bool:
    xs, ys = polygon[::2], polygon[1::2]
    turned = zip(xs, ys, [*xs[1:], *xs[:1]], [*ys[1:], *ys[:1]], strict=True)
    return sum(x * next_y - next_x * y for x, y, next_x, next_y in turned) != 0


def _run_lengths(segmentation: dict[str, Any], stated: list[Any]) -> dict[str, Any]:
    size = _whole(segmentation.get("size"))
    image = None if None in stated else _whole(stated)
    if "counts" not in segmentation or size is None or (image is not None and size != image):
        raise ValueError(f"run lengths of size {segmentation.get('size')}, but the image has {stated}")
    counts = segmentation["counts"]
    runs = _decompressed(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int and run >= 0 for run in runs):
        raise ValueError("run lengths that are no whole numbers of 0 or more")
    if sum(runs) != size[0] * size[1]:
        raise ValueError(f"run lengths of {sum(runs)} pixels in an image of {size[1]}x{size[0]}")
    return {"size": size, "counts": counts}


def _whole(numbers: Any) -> list[int] | None:
    """Two whole numbers, which some tools write as text; None where they are not."""
    try:
        height, width = (int(number) for number in numbers)
    except (TypeError, ValueError):
        return None
    return [height, width]


def _decompressed(text: str) -> list[int] | None:
    """Return the run lengths of COCO's compressed form (``rleFrString`` of its API): five bits a character,
    from the fourth on as the difference from the one before the last. None if the text is no such form.
    """
    runs: list[int] = []
    place = 0
    while place < len(text):
        value = shift = 0
        more = True
        while more:
            if place >= len(text):
                return None
            bits = ord(text[place]) - _ZERO
            if not 0 <= bits < 2 * _MORE:
                return None
            value |= (bits & (_MORE - 1)) << shift
            shift += _BITS
            more = bool(bits & _MORE)
            if not more and bits & _NEGATIVE:
                value -= 1 << shift
            place += 1
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs
