"""What a terminal can draw, by its own answers or by the environment.

A terminal is asked once for the graphics protocol of kitty, its name, the size of a cell and its attributes
(DA1). Every terminal answers the last of these, so that nothing is waited for in vain; what does not answer
at all within half a second draws blocks. The console of Linux is not asked, for it would print the questions;
nor is a terminal of unknown kind, which draws no pictures unless they are wanted. Within tmux a picture must
go through to the terminal around it: that is asked of tmux.
"""

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
import tty
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TextIO

from rich.color import ColorSystem
from rich.console import Console

__all__ = ["Protocol", "Terminal", "look_at_terminal"]

_ANSWER_S: Final = 0.5
_TMUX_S: Final = 2.0
_CELL_PX: Final = (10, 20)  # where nothing tells
_ASKED: Final = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q\x1b[16t\x1b[c"
_KITTY: Final = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_NAME: Final = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
_CELL: Final = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_ATTRIBUTES: Final = re.compile(rb"\x1b\[\?([\d;]*)c")
_ITERM: Final = ("iterm2", "iterm.app")
_KITTY_TERMS: Final = ("xterm-kitty", "xterm-ghostty")
_SIXEL: Final = 4  # among the attributes
_SYSTEMS: Final = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
_LARGEST_CELL_PX: Final = 200
_NOT_ASKED: Final = ("", "linux", "dumb", "unknown")  # kinds of terminals that may print what they are asked


class Protocol(Enum):
    """How a picture is drawn."""

    KITTY = "kitty"
    KITTY_IN_TMUX = "kitty in tmux"
    ITERM = "iterm"
    SIXEL = "sixel"
    BLOCKS = "blocks"


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a terminal can draw.

    Attributes:
        protocol: How.
        columns: Cells in a line.
        rows: Lines.
        cell: Width and height of a cell in pixels.
        colours: Colours of text, which blocks are drawn with.
    """

    protocol: Protocol
    columns: int = 80
    rows: int = 24
    cell: tuple[int, int] = _CELL_PX
    colours: ColorSystem = ColorSystem.TRUECOLOR


def look_at_terminal(
    stream: TextIO, environment: Mapping[str, str], *, forced: bool = False
) -> Terminal | None:
    """Return what the terminal of a stream can draw; None where no pictures are to be drawn.

    Args:
        stream: Standard output.
        environment: Variables of the environment.
        forced: Whether pictures are wanted also where the stream is no terminal, or NO_COLOR is set: as
            blocks, then.
    """
    if not stream.isatty():
        return Terminal(Protocol.BLOCKS) if forced else None
    console = Console(file=stream, _environ={**environment, "NO_COLOR": ""})
    colours = _SYSTEMS.get(console.color_system or "")
    kind = environment.get("TERM", "")
    if not forced and (environment.get("NO_COLOR") or colours is None or not kind):
        return None
    descriptor = stream.fileno()
    columns, rows, cell = _size(descriptor)
    in_tmux = bool(environment.get("TMUX"))
    if in_tmux and _passes_kitty_through(environment):
        protocol, answered = Protocol.KITTY_IN_TMUX, None
    else:
        answer = b"" if kind in _NOT_ASKED else _asked(descriptor)
        protocol = _protocol_of(answer, environment, in_tmux=in_tmux)
        answered = _cell_of(answer)
    return Terminal(protocol, columns, rows, cell or answered or _CELL_PX, colours or ColorSystem.TRUECOLOR)


def _protocol_of(answer: bytes, environment: Mapping[str, str], *, in_tmux: bool) -> Protocol:
    if _KITTY.search(answer) and not in_tmux:
        return Protocol.KITTY
    named = _NAME.search(answer)
    names = [
        named[1].decode("ascii", "replace") if named else "",
        environment.get("TERM_PROGRAM", ""),
        environment.get("LC_TERMINAL", ""),  # goes along with ssh
    ]
    if not in_tmux and any(name.lower().startswith(_ITERM) for name in names):
        return Protocol.ITERM
    attributes = _ATTRIBUTES.search(answer)
    if attributes and str(_SIXEL).encode() in attributes[1].split(b";"):
        return Protocol.SIXEL
    return Protocol.BLOCKS


def _cell_of(answer: bytes) -> tuple[int, int] | None:
    found = _CELL.search(answer)
    return None if found is None else _sound(int(found[2]), int(found[1]))


def _sound(width: int, height: int) -> tuple[int, int] | None:
    """Return the size of a cell, if it is one."""
    return (width, height) if 2 <= width <= _LARGEST_CELL_PX and 2 <= height <= _LARGEST_CELL_PX else None


def _size(descriptor: int) -> tuple[int, int, tuple[int, int] | None]:
    """Return columns and rows, and width and height of a cell in pixels as far as the system knows them."""
    try:
        told = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, width, height = struct.unpack("HHHH", told)
    except OSError:
        rows = columns = width = height = 0
    cell = _sound(width // columns, height // rows) if columns and rows else None
    return columns or 80, rows or 24, cell


def _asked(descriptor: int) -> bytes:
    """Return what the terminal answers; nothing where it may not be asked now."""
    try:
        terminal = os.open(os.ttyname(descriptor), os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():  # in the background, it would be stopped
            return b""
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSADRAIN)
            os.write(terminal, _ASKED)
            return _answer(terminal)
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
    except OSError:
        return b""
    finally:
        os.close(terminal)


def _answer(terminal: int) -> bytes:
    answer, ends = b"", time.monotonic() + _ANSWER_S
    while not _ATTRIBUTES.search(answer):
        ready, _, _ = select.select([terminal], [], [], max(0.0, ends - time.monotonic()))
        read = os.read(terminal, 4096) if ready else b""
        if not read:
            break
        answer += read
    return answer


def _passes_kitty_through(environment: Mapping[str, str]) -> bool:
    """Whether tmux hands pictures on, to a terminal that can draw them where characters stand for them."""
    asked = ["tmux", "display-message", "-p", "#{client_termname} #{allow-passthrough}"]
    try:
        said = subprocess.run(
            asked, env=dict(environment), capture_output=True, text=True, timeout=_TMUX_S, check=True
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return False
    return len(said) == 2 and said[0] in _KITTY_TERMS and said[1] in ("on", "all", "1", "2")
