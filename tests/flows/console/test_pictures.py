"""Pictures in a terminal: what each protocol gets, read back to pixels; how a terminal is recognised; and
that no name of a file reaches it as a command.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.color import ColorSystem

from flows.console.pictures import drawn, picture_lines
from flows.console.terminal import Protocol, Terminal, look_at_terminal
from tests.flows.console import decoding
from tests.flows.console.pseudo_terminal import (
    DUMB,
    ITERM,
    KITTY,
    PLAIN,
    XTERM_WITH_SIXELS,
    run_in_terminal,
)
from tests.indexing import index
from tests.pictures import save, scene

READERS = {
    Protocol.KITTY: decoding.kitty,
    Protocol.ITERM: decoding.iterm,
    Protocol.SIXEL: decoding.sixel,
    Protocol.BLOCKS: decoding.blocks,
}
ROOT = Path(__file__).parents[3]
LOOK = """
import os, sys
from flows.console.terminal import look_at_terminal
print("LOOK", look_at_terminal(sys.stdout, os.environ))
"""


def picture(width: int, height: int) -> np.ndarray:
    """Fields of a few colours, and a slope."""
    rows = np.zeros((height, width, 3), np.uint8)
    rows[: height // 2, : width // 2] = (255, 0, 0)
    rows[height // 2 :, : width // 2] = (0, 51, 204)
    rows[:, width // 2 :, 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return rows


@pytest.mark.parametrize("protocol", [Protocol.KITTY, Protocol.ITERM, Protocol.SIXEL])
def test_what_is_drawn_is_the_picture_again_and_covers_its_cells(protocol: Protocol) -> None:
    strip = picture(93, 80)  # 80 is no multiple of the six rows of sixels
    text = drawn(strip, 9, 4, Terminal(protocol, cell=(10, 20)))
    seen = READERS[protocol](text)
    (found,) = seen.pictures
    assert found.shape == strip.shape
    # sixels have 255 colours and percents; the others are exact
    away = np.abs(found.astype(int) - strip)
    assert away.max() <= (6 if protocol is Protocol.SIXEL else 0)
    assert seen.rest == "\n" * 3  # the lines that are made for it, and nothing else
    if protocol is Protocol.KITTY:
        assert (seen.keys[0]["c"], seen.keys[0]["r"], seen.keys[0]["C"]) == ("9", "4", "1")
    if protocol is Protocol.ITERM:
        assert (seen.keys[0]["width"], seen.keys[0]["height"]) == ("9", "4")


def test_a_large_picture_of_kitty_comes_in_parts() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 90, 3), dtype=np.uint8)
    text = drawn(noise, 9, 6, Terminal(Protocol.KITTY))
    assert len(decoding.KITTY.findall(text)) > 3
    assert (decoding.kitty(text).pictures[0] == noise).all()


def test_sixels_of_any_picture_are_read_back() -> None:
    rng = np.random.default_rng(1)
    for height in (1, 5, 6, 7, 13):
        colours = rng.integers(0, 2, (height, 31, 3)) * 255
        (found,) = decoding.sixel(drawn(colours.astype(np.uint8), 4, 1, Terminal(Protocol.SIXEL))).pictures
        assert (found == colours).all(), height


def test_blocks_show_two_pixels_a_cell() -> None:
    strip = np.repeat(np.repeat(picture(8, 8), 3, axis=0), 3, axis=1)
    seen = decoding.blocks(drawn(strip, 8, 4, Terminal(Protocol.BLOCKS)))
    assert (seen.pictures[0] == picture(8, 8)).all()
    assert seen.rest == ""
    few = drawn(strip, 8, 4, Terminal(Protocol.BLOCKS, colours=ColorSystem.EIGHT_BIT))
    assert "38;2" not in few
    assert "38;5;" in few


def test_within_tmux_characters_stand_for_the_cells_of_a_picture_that_is_handed_on() -> None:
    strip = picture(90, 80)
    text = drawn(strip, 9, 4, Terminal(Protocol.KITTY_IN_TMUX))
    outside = decoding.kitty(decoding.through_tmux(text))
    assert (outside.pictures[0] == strip).all()
    assert (outside.keys[0]["U"], outside.keys[0]["c"], outside.keys[0]["r"]) == ("1", "9", "4")
    lines = decoding.TMUX.sub("", text).split("\n")
    assert [line.count("\U0010eeee") for line in lines] == [9] * 4
    red, green, blue = map(int, re.findall(r"38;2;(\d+);(\d+);(\d+)m", lines[0])[0])
    assert red << 16 | green << 8 | blue == int(outside.keys[0]["i"])
    assert len({line.split("\U0010eeee")[1] for line in lines}) == 4  # each names its row


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_real_tmux_hands_the_picture_on(tmp_path: Path) -> None:
    draw = (
        "import sys, numpy as np\nfrom flows.console.pictures import drawn\n"
        "from flows.console.terminal import Protocol, Terminal\n"
        "strip = np.full((40, 40, 3), (200, 10, 60), np.uint8)\n"
        "print(drawn(strip, 4, 2, Terminal(Protocol.KITTY_IN_TMUX)), flush=True)\n"
        "import time; time.sleep(2)\n"
    )
    (tmp_path / "draw.py").write_text(draw)
    (tmp_path / "tmux.conf").write_text("set -g allow-passthrough on\n")
    socket = str(tmp_path / "socket")
    inner = f"PYTHONPATH={ROOT} {sys.executable} {tmp_path / 'draw.py'}"
    _, text = run_in_terminal(
        ["tmux", "-u", "-S", socket, "-f", str(tmp_path / "tmux.conf"), "new-session", inner], PLAIN, {}
    )
    seen = decoding.kitty(text)
    assert seen.pictures[0].shape == (40, 40, 3)
    assert (seen.pictures[0] == (200, 10, 60)).all()
    for mark in ("\u0305", "\u030d"):  # of the two rows; the rest of a row follows from its begin
        assert f"\U0010eeee{mark}\u0305" in text
    assert text.count("\U0010eeee") >= 8  # tmux writes a cell again once its marks have come


@pytest.mark.parametrize(
    ("answer", "environment", "protocol"),
    [
        (KITTY, {}, "KITTY"),
        (XTERM_WITH_SIXELS, {}, "SIXEL"),
        (ITERM, {}, "ITERM"),
        (PLAIN, {"LC_TERMINAL": "iTerm2"}, "ITERM"),
        (PLAIN, {}, "BLOCKS"),
        (DUMB, {}, "BLOCKS"),
        (b"\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\" + PLAIN, {}, "BLOCKS"),
        (KITTY, {"TMUX": "/no/socket,1,0"}, "BLOCKS"),
    ],
)
def test_a_terminal_is_recognised_by_its_answer_or_the_environment(
    answer: bytes, environment: dict[str, str], protocol: str, tmp_path: Path
) -> None:
    _, text = run_in_terminal(
        [sys.executable, "-c", LOOK], answer, {"PYTHONPATH": str(ROOT), **environment}, cwd=tmp_path
    )
    looked = text[text.index("LOOK") :]
    assert f"Protocol.{protocol}:" in looked, text
    assert "columns=100, rows=40" in looked
    assert ("cell=(9, 18)" in looked) == (answer == XTERM_WITH_SIXELS)
    assert not re.search(r"\^\[|62;52c", text), "the answer was not printed again"


@pytest.mark.parametrize(
    ("environment", "size", "expected"),
    [
        ({"NO_COLOR": "1"}, (40, 100, 0, 0), "LOOK None"),
        ({"TERM": "dumb", "COLORTERM": ""}, (40, 100, 0, 0), "LOOK None"),
        ({}, (40, 100, 800, 640), "cell=(8, 16)"),
        ({"COLORTERM": ""}, (40, 100, 0, 0), "EIGHT_BIT"),
    ],
)
def test_colours_and_cells_of_a_terminal_are_respected(
    environment: dict[str, str], size: tuple[int, int, int, int], expected: str
) -> None:
    _, text = run_in_terminal(
        [sys.executable, "-c", LOOK], KITTY, {"PYTHONPATH": str(ROOT), **environment}, size=size
    )
    assert expected in text


@pytest.mark.parametrize(
    ("kind", "expected"), [("linux", "Protocol.BLOCKS"), ("", "LOOK None"), ("dumb", "LOOK None")]
)
def test_a_terminal_that_would_print_them_is_asked_no_questions(kind: str, expected: str) -> None:
    environment = {"PYTHONPATH": str(ROOT), "TERM": kind, "COLORTERM": ""}
    _, text = run_in_terminal([sys.executable, "-c", LOOK], PLAIN, environment)
    assert expected in text
    assert "\x1b" not in text


def test_typing_ahead_does_not_keep_an_answer_from_being_read(tmp_path: Path) -> None:
    _, text = run_in_terminal(
        [sys.executable, "-c", LOOK], b"ab" + KITTY, {"PYTHONPATH": str(ROOT)}, cwd=tmp_path
    )
    assert "Protocol.KITTY" in text


def test_without_a_terminal_nothing_is_drawn_unless_it_is_wanted() -> None:
    class Pipe(io.StringIO):
        def isatty(self) -> bool:
            return False

    assert look_at_terminal(Pipe(), {}) is None
    forced = look_at_terminal(Pipe(), {"NO_COLOR": "1"}, forced=True)
    assert forced is not None
    assert forced.protocol is Protocol.BLOCKS


def jpeg(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (128, 320), colour).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_pictures_stand_beside_each_other_over_their_captions_and_missing_ones_are_fields() -> None:
    jpegs = [jpeg((255, 0, 0)), None, jpeg((0, 0, 255))]
    lines = list(picture_lines(jpegs, ["1 90%", "2", "3"], Terminal(Protocol.KITTY, columns=20)))
    assert len(lines) == 4  # two beside each other fit, and one follows
    assert lines[1].split() == ["1", "90%", "2"]
    assert lines[3] == "3"
    first, second = decoding.kitty(lines[0]).pictures[0], decoding.kitty(lines[2]).pictures[0]
    height, width = first.shape[:2]
    assert height == 8 * 20
    assert width % 10 == 0
    red, field = first[height // 2, width // 4], first[height // 2, -width // 4]
    assert red[0] > 240 > 20 > red[1]
    assert len(set(field.tolist())) == 1
    assert second[height // 2, second.shape[1] // 2][2] > 240


def test_a_small_terminal_gets_small_pictures() -> None:
    (first, caption) = picture_lines([jpeg((9, 9, 9))], ["1"], Terminal(Protocol.BLOCKS, columns=6, rows=5))
    assert first.count("\n") == 1
    assert max(line.count("▀") for line in first.split("\n")) <= 6
    assert caption == "1"


HOSTILE = "red\x1b]0;owned\x07\x1b_Gi=1;AAAA\x1b\\\x1bP0q#0!9~\x1b\\\x9b31m\r\n\x1b[2J.png"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    save(root / "photos" / "a.png", scene("red", seed=1))
    save(root / "photos" / "b.png", scene("red", seed=3))
    os.rename(root / "photos" / "b.png", root / "photos" / HOSTILE)
    save(root / "photos" / "c.png", scene("blue", seed=2))
    index(root / "store", [root / "photos"])
    return root / "store"


def search(store: Path, *more: str) -> list[str]:
    typed = ["search", "red", "--store", str(store), "--profile", "fake", "--include-low-confidence"]
    return [sys.executable, "-m", "flows.cli.main", *typed, "--no-grouping", *more]


@pytest.mark.parametrize(("answer", "protocol"), [(KITTY, Protocol.KITTY), (PLAIN, Protocol.BLOCKS)])
def test_a_search_in_a_terminal_draws_its_hits_and_no_name_commands_the_terminal(
    store: Path, answer: bytes, protocol: Protocol
) -> None:
    code, text = run_in_terminal(search(store), answer, {"PYTHONPATH": str(ROOT)}, size=(40, 100, 1000, 800))
    assert code == 0, text
    asked = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q\x1b[16t\x1b[c"
    assert text.count(asked) == 1
    text = text.replace(asked, "")
    seen = READERS[protocol](text)
    (strip,) = seen.pictures
    width = strip.shape[1]
    thirds = [strip[:, round(n * width / 3) : round((n + 1) * width / 3)].astype(int) for n in range(3)]
    for third, full, none in ((thirds[0], 0, 2), (thirds[1], 0, 2), (thirds[2], 2, 0)):  # red, red, blue
        assert ((third[..., full] > 200) & (third[..., none] < 60)).mean() > 0.05
    rest = seen.rest if protocol is not Protocol.BLOCKS else decoding.COLOURS.sub("", seen.rest)
    assert all(letter.isprintable() or letter == "\n" for letter in rest), repr(rest)
    assert "c.png" in rest


def test_no_pictures_and_a_pipe_draw_nothing(store: Path) -> None:
    _, text = run_in_terminal(search(store, "--no-pictures"), KITTY, {"PYTHONPATH": str(ROOT)})
    assert "\x1b" not in text
    piped = subprocess.run(search(store), capture_output=True, text=True, check=True)
    assert "\x1b" not in piped.stdout
    assert "▀" not in piped.stdout
    forced = subprocess.run(search(store, "--pictures"), capture_output=True, text=True, check=True)
    assert "▀" in forced.stdout
    wrong = subprocess.run(search(store, "--pictures", "--json"), capture_output=True, text=True, check=False)
    assert (wrong.returncode, "without --json" in wrong.stderr) == (2, True)


def test_a_background_job_does_not_ask(tmp_path: Path) -> None:
    begun = time.monotonic()
    with open(os.devnull, "w") as stream:
        assert look_at_terminal(stream, {}) is None
    assert time.monotonic() - begun < 1
