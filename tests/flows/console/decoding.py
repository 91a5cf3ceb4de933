"""Pictures read back from what a terminal gets: second implementations, written from the protocols' pages."""

import base64
import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

KITTY = re.compile(r"\x1b_G([^;\x1b]*);([A-Za-z0-9+/=]*)\x1b\\")
ITERM = re.compile(r"\x1b\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07")
SIXEL = re.compile(r"\x1bP[\d;]*q([^\x1b]*)\x1b\\")
TMUX = re.compile(r"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\")
MOVES = re.compile(r"\x1b[78]|\x1b\[\d+[AB]")
COLOURS = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Seen:
    """Pictures of a text, and the text that is left."""

    pictures: list[np.ndarray]
    keys: list[dict[str, str]]
    rest: str


def _keys(text: str, between: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(between) if "=" in part)


def _png(data: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        return np.asarray(picture.convert("RGB"))


def kitty(text: str) -> Seen:
    """Pictures of kitty's protocol; a picture may come in several sequences."""
    pictures, keys, data = [], [], ""
    for found in KITTY.finditer(text):
        assert len(found[2]) <= 4096
        these = _keys(found[1], ",")
        if not data:
            keys.append(these)
        data += found[2]
        if these["m"] == "0":
            pictures.append(_png(data))
            data = ""
    return Seen(pictures, keys, MOVES.sub("", KITTY.sub("", text)))


def iterm(text: str) -> Seen:
    found = list(ITERM.finditer(text))
    return Seen(
        [_png(each[2]) for each in found],
        [_keys(each[1], ";") for each in found],
        MOVES.sub("", ITERM.sub("", text)),
    )


def through_tmux(text: str) -> str:
    """A text as the terminal around tmux gets it."""
    return TMUX.sub(lambda found: found[1].replace("\x1b\x1b", "\x1b"), text)


def sixel(text: str) -> Seen:
    found = list(SIXEL.finditer(text))
    return Seen([_sixel(each[1]) for each in found], [{}] * len(found), MOVES.sub("", SIXEL.sub("", text)))


def _sixel(data: str) -> np.ndarray:
    size = re.match(r'"\d+;\d+;(\d+);(\d+)', data)
    assert size is not None
    width, height = int(size[1]), int(size[2])
    pixels = np.full((height + 5, width, 3), 77, np.uint8)
    colours: dict[int, tuple[int, ...]] = {}
    x = top = colour = 0
    token = re.compile(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|([$-])")
    at = size.end()
    while at < len(data):
        found = token.match(data, at)
        assert found is not None, data[at : at + 20]
        at = found.end()
        if found[1]:
            colours[int(found[1])] = tuple(round(int(found[n]) * 255 / 100) for n in (2, 3, 4))
        elif found[5]:
            colour = int(found[5])
        elif found[9] == "$":
            x = 0
        elif found[9] == "-":
            x, top = 0, top + 6
        else:
            times, bits = (int(found[6]), found[7]) if found[6] else (1, found[8])
            for row in range(6):
                if (ord(bits) - 63) >> row & 1:
                    pixels[top + row, x : x + times] = colours[colour]
            x += times
            assert x <= width
    return pixels[:height]


def blocks(text: str) -> Seen:
    """Half blocks in 24-bit colour, as pixels: two in each cell, one over the other."""
    rows: list[list[list[int]]] = []
    rest = []
    for line in text.split("\n"):
        if "▀" not in line:
            rest.append(line)
            continue
        upper, lower, above, below = [], [], [0, 0, 0], [0, 0, 0]
        for found in re.finditer(r"\x1b\[([\d;]*)m|(.)", line):
            if found[2]:
                assert found[2] == "▀"
                upper.append(above)
                lower.append(below)
            elif found[1] != "0":
                codes = [int(code) for code in found[1].split(";")]
                assert (codes[:2], codes[5:7]) == ([38, 2], [48, 2])
                above, below = codes[2:5], codes[7:10]
        rows += [upper, lower]
    pictures = [np.array(rows, np.uint8)] if rows else []
    return Seen(pictures, [{}] * len(pictures), "\n".join(rest))
