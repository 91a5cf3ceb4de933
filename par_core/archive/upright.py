"""EXIF's orientations: how a stored picture is turned upright, and where a part of the upright picture is
stored.
"""

from typing import Final

from PIL import Image

__all__ = ["UPRIGHT", "Box", "scaled_box", "stored_box"]

#: Left, top, right and bottom (exclusive) in whole pixels.
Box = tuple[int, int, int, int]

_Turn = Image.Transpose
#: What turns a stored picture upright, by EXIF's orientation; 1 is upright already.
UPRIGHT: Final = {
    2: _Turn.FLIP_LEFT_RIGHT,
    3: _Turn.ROTATE_180,
    4: _Turn.FLIP_TOP_BOTTOM,
    5: _Turn.TRANSPOSE,
    6: _Turn.ROTATE_270,
    7: _Turn.TRANSVERSE,
    8: _Turn.ROTATE_90,
}
_SIDEWAYS: Final = frozenset([_Turn.TRANSPOSE, _Turn.ROTATE_270, _Turn.TRANSVERSE, _Turn.ROTATE_90])
_FROM_THE_RIGHT: Final = frozenset(
    [_Turn.FLIP_LEFT_RIGHT, _Turn.ROTATE_180, _Turn.TRANSVERSE, _Turn.ROTATE_90]
)  # what is left of the stored picture comes from its right
_FROM_BELOW: Final = frozenset([_Turn.FLIP_TOP_BOTTOM, _Turn.ROTATE_180, _Turn.TRANSVERSE, _Turn.ROTATE_270])


def scaled_box(
    box: Box, whole: tuple[int, int], shrunk: tuple[int, int], turn: Image.Transpose | None
) -> Box:
    """Return the box of an upright picture after the stored one was shrunk.

    Args:
        box: Box in the upright picture.
        whole: Width and height of the stored picture.
        shrunk: The same after it was shrunk.
        turn: Turns it upright; None leaves it as it is.
    """
    across, down = shrunk[0] / whole[0], shrunk[1] / whole[1]
    if turn in _SIDEWAYS:
        across, down = down, across
    left, top, right, bottom = box
    return round(left * across), round(top * down), round(right * across), round(bottom * down)


def stored_box(box: Box, size: tuple[int, int], turn: Image.Transpose | None) -> Box:
    """Return where a box of the upright picture is in the stored one.

    Args:
        box: Box in the upright picture.
        size: Width and height of the stored picture.
        turn: Turns it upright; None leaves it as it is.
    """
    left, top, right, bottom = box
    if turn in _SIDEWAYS:
        left, top, right, bottom = top, left, bottom, right
    if turn in _FROM_THE_RIGHT:
        left, right = size[0] - right, size[0] - left
    if turn in _FROM_BELOW:
        top, bottom = size[1] - bottom, size[1] - top
    return left, top, right, bottom
