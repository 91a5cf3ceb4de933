"""Pictures in a terminal, by the protocols of kitty and iTerm2, as sixels, or as half blocks.

Several pictures stand beside each other as one, a strip, so that the cursor never moves among them: its lines
are made first, the strip is drawn from the first of them on, and the cursor goes back to the last. Nothing
but numbers made here and pixels is ever in these sequences.

Protocols: https://sw.kovidgoyal.net/kitty/graphics-protocol, https://iterm2.com/documentation-images.html,
VT330/VT340 Programmer Reference Manual, chapter 14 (sixels).
"""

import base64
import io
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from PIL import Image
from rich.color import Color, ColorSystem

from flows.console.terminal import Protocol, Terminal
from par_core.types import ImageU8

__all__ = ["drawn", "picture_lines"]

_ROWS: Final = 8  # of a picture
_MOST_COLUMNS: Final = 14
_GAP: Final = 1  # cells between two pictures
_BLANK: Final = (48, 48, 48)
_CHUNK: Final = 4096  # characters of one sequence of kitty
_SIXEL_COLOURS: Final = 255
_BAND: Final = 6  # rows of pixels in a line of sixels
_PLACEHOLDER: Final = "\U0010eeee"
# which row of a picture a placeholder shows: the first of kitty's rowcolumn-diacritics.txt
_ROW_MARKS: Final = "\u0305\u030d\u030e\u0310\u0312\u033d\u033e\u033f\u0346\u034a\u034b\u034c\u0350\u0351"
_ids = itertools.count(int.from_bytes(os.urandom(2)) + 1)


def picture_lines(
    jpegs: Sequence[bytes | None], captions: Sequence[str], terminal: Terminal
) -> Iterator[str]:
    """Yield lines that draw pictures side by side, as many in a line as fit, each over its caption.

    Args:
        jpegs: The pictures; None for one that cannot be shown, which is drawn as a grey field.
        captions: A few letters for each.
        terminal: What the terminal can draw.
    """
    wide, high = _columns(terminal), min(_ROWS, max(2, terminal.rows - 3))
    abreast = max(1, (terminal.columns + _GAP) // (wide + _GAP))
    for start in range(0, len(jpegs), abreast):
        some = jpegs[start : start + abreast]
        cells = len(some) * (wide + _GAP) - _GAP
        yield drawn(_strip(some, wide, high, terminal), cells, high, terminal)
        yield " ".join(f"{caption[:wide]:{wide}}" for caption in captions[start : start + abreast]).rstrip()


def drawn(strip: ImageU8, columns: int, rows: int, terminal: Terminal) -> str:
    """Return the text that draws a picture from the begin of a line on, and ends at the end of its last line.

    Args:
        strip: (h, w, 3) RGB.
        columns: Cells that it covers.
        rows: Lines that it covers, 14 at most.
        terminal: What the terminal can draw.
    """
    match terminal.protocol:
        case Protocol.BLOCKS:
            return _blocks(strip, columns, rows, terminal.colours)
        case Protocol.KITTY_IN_TMUX:
            return _kitty_in_tmux(strip, columns, rows)
        case Protocol.KITTY:
            # C=1: the cursor stays
            sequences = _kitty(strip, f"a=T,f=100,q=2,C=1,c={columns},r={rows}")
        case Protocol.ITERM:
            sequences = _iterm(strip, columns, rows)
        case Protocol.SIXEL:
            sequences = _sixel(strip)
    below = rows - 1
    room = "\n" * below + (f"\x1b[{below}A" if below else "")
    return f"{room}\x1b7{sequences}\x1b8" + (f"\x1b[{below}B" if below else "")


def _columns(terminal: Terminal) -> int:
    """Return the cells that a person of usual shape takes: two and a half times as high as wide, with some
    surroundings, as crops show them.
    """
    width, height = terminal.cell
    return max(4, min(_MOST_COLUMNS, terminal.columns, round(_ROWS * height / 1.7 / width)))


def _strip(jpegs: Sequence[bytes | None], wide: int, high: int, terminal: Terminal) -> ImageU8:
    """Return pictures side by side, each as large as its cells allow, the rest black."""
    if terminal.protocol is Protocol.BLOCKS:
        width, height = 1, 2  # a block shows two pixels, one over the other
        true = terminal.cell[1] / 2 / terminal.cell[0]  # how much higher than wide such a pixel is
    else:
        (width, height), true = terminal.cell, 1.0
    box = wide * width, high * height
    whole = Image.new("RGB", ((wide + _GAP) * len(jpegs) * width - _GAP * width, box[1]))
    for n, jpeg in enumerate(jpegs):
        with Image.new("RGB", box, _BLANK) if jpeg is None else Image.open(io.BytesIO(jpeg)) as picture:
            if jpeg is not None:
                scale = min(box[0] / picture.width, box[1] * true / picture.height)
                size = (
                    max(1, round(picture.width * scale)),
                    max(1, round(picture.height * scale / true)),
                )
                shown = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            else:
                shown = picture
            left = n * (wide + _GAP) * width + (box[0] - shown.width) // 2
            whole.paste(shown, (left, (box[1] - shown.height) // 2))
    return np.asarray(whole)


def _png(picture: ImageU8) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def _kitty(strip: ImageU8, keys: str) -> str:
    data = _png(strip)
    parts = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    sequences = []
    for n, part in enumerate(parts):
        more = int(n < len(parts) - 1)
        sequences.append(f"\x1b_G{f'{keys},' if n == 0 else ''}m={more};{part}\x1b\\")
    return "".join(sequences)


def _kitty_in_tmux(strip: ImageU8, columns: int, rows: int) -> str:
    """Hand a picture on by tmux, and write characters that stand for its cells: tmux moves these like text.

    The colour of the characters names the picture; a character without marks goes on where the one before it
    ends.
    """
    number = next(_ids) % 0xFFFFFF or 1
    sequences = _kitty(strip, f"a=T,f=100,q=2,U=1,i={number},c={columns},r={rows}")
    handed = "".join(_through_tmux(f"{sequence}\x1b\\") for sequence in sequences.split("\x1b\\") if sequence)
    red, green, blue = number >> 16 & 255, number >> 8 & 255, number & 255
    lines = [
        f"\x1b[38;2;{red};{green};{blue}m{_PLACEHOLDER}{mark}{_ROW_MARKS[0]}"
        f"{_PLACEHOLDER * (columns - 1)}\x1b[39m"
        for mark in _ROW_MARKS[:rows]
    ]
    return handed + "\n".join(lines)


def _through_tmux(sequence: str) -> str:
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def _iterm(strip: ImageU8, columns: int, rows: int) -> str:
    data = _png(strip)
    size = len(base64.b64decode(data))
    keys = f"inline=1;size={size};width={columns};height={rows};preserveAspectRatio=0;doNotMoveCursor=1"
    return f"\x1b]1337;File={keys}:{data}\x07"


def _sixel(strip: ImageU8) -> str:
    """Return a picture of at most 255 colours as sixels: bands of six rows, drawn colour by colour."""
    reduced = Image.fromarray(strip).quantize(_SIXEL_COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
    pixels, palette = np.asarray(reduced), np.array(reduced.getpalette()).reshape(-1, 3)
    height, width = pixels.shape
    head = [f'\x1bP0;1;0q"1;1;{width};{height}']
    for number in np.unique(pixels).tolist():
        red, green, blue = (round(int(value) * 100 / 255) for value in palette[number])
        head.append(f"#{number};2;{red};{green};{blue}")
    bands = []
    for top in range(0, height, _BAND):
        band = pixels[top : top + _BAND]
        bits = (1 << np.arange(len(band), dtype=np.uint8))[:, None]
        lines = [
            f"#{number}{_run_lengths(((band == number) * bits).sum(axis=0, dtype=np.uint8))}"
            for number in np.unique(band).tolist()
        ]
        bands.append("$".join(lines))
    return "".join(head) + "-".join(bands) + "\x1b\\"


def _run_lengths(values: np.ndarray) -> str:
    """Return sixels, each run of equal ones in short; an empty end is left out."""
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    starts = np.concatenate([[0], ends[:-1] + 1])
    runs = [(int(values[end]), int(end - start + 1)) for start, end in zip(starts, ends, strict=True)]
    if runs and runs[-1][0] == 0:
        runs.pop()
    return "".join(f"!{n}{chr(63 + value)}" if n > 3 else chr(63 + value) * n for value, n in runs)


def _blocks(strip: ImageU8, columns: int, rows: int, colours: ColorSystem) -> str:
    """Return a picture as upper half blocks: the text's colour above, that of the background below."""
    small = np.asarray(Image.fromarray(strip).resize((columns, 2 * rows), Image.Resampling.BOX))
    lines = []
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        cells, before = [], ""
        for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
            style = ";".join([*_codes(above, colours, True), *_codes(below, colours, False)])
            cells.append(f"\x1b[{style}m▀" if style != before else "▀")
            before = style
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)


def _codes(rgb: Sequence[int], colours: ColorSystem, foreground: bool) -> tuple[str, ...]:
    return Color.from_rgb(*rgb).downgrade(colours).get_ansi_codes(foreground)
