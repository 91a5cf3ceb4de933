"""A program in a pseudo terminal that answers as a given terminal would."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

KITTY = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.42.1)\x1b\\\x1b[?62;52c"
XTERM_WITH_SIXELS = b"\x1bP>|XTerm(390)\x1b\\\x1b[6;18;9t\x1b[?64;1;2;4;6;22c"
ITERM = b"\x1bP>|iTerm2 3.5.10\x1b\\\x1b[?64;1;2;4;6;17;18;21;22c"
PLAIN = b"\x1b[?6c"
DUMB = b""


CTRL_C = "\x03"
# Python's readline asks for signals only where its wait for a key is interrupted: one that comes right after
# a key, before the wait for the next, is seen with the next key. Whoever sees nothing presses it again.
_UNTIL_IT_WAITS_S = 0.5
_AGAIN_S = 2.0


def run_in_terminal(
    command: Sequence[str],
    answer: bytes,
    environment: Mapping[str, str],
    *,
    size: tuple[int, int, int, int] = (40, 100, 0, 0),
    typed: Sequence[tuple[str, str]] = (),
    cwd: Path | None = None,
    after: Callable[[int], None] = lambda _: None,
    seconds: float = 120,
) -> tuple[int, str]:
    """Run a command in a terminal; return its exit code and all that it wrote.

    Args:
        command: The command.
        answer: What the terminal answers when it is asked for its attributes.
        environment: Variables, beside those that name no terminal.
        size: Lines, columns, width and height in pixels.
        typed: What is typed, each once a text has been seen.
        cwd: Current folder.
        after: Called with the process once everything is typed.
        seconds: Time limit.
    """
    hidden = ("TMUX", "TERM_PROGRAM", "LC_TERMINAL", "NO_COLOR", "COLORTERM", "FORCE_COLOR", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size))

    def own_terminal() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that a shell runs in the background ignore it
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
        preexec_fn=own_terminal,
        cwd=cwd,
    )
    os.close(slave)
    written, asked, waiting, ends = b"", 0, list(typed), time.monotonic() + seconds
    seen_until, unseen_since = 0, float("inf")
    try:
        while time.monotonic() < ends:
            ready, _, _ = select.select([master], [], [], 0.1)
            if ready:
                try:
                    read = os.read(master, 65536)
                except OSError:  # the program has ended
                    break
                if not read:
                    break
                written, unseen_since = written + read, float("inf")
            if time.monotonic() - unseen_since > _AGAIN_S:
                os.write(master, CTRL_C.encode())
                unseen_since = time.monotonic()
            while written.count(b"\x1b[c") > asked:
                asked += 1
                os.write(master, answer)
            while waiting and (at := written.find(waiting[0][0].encode(), seen_until)) >= 0:
                seen_until = at + len(waiting[0][0].encode())
                keys = waiting.pop(0)[1]
                if keys == CTRL_C:
                    time.sleep(_UNTIL_IT_WAITS_S)
                os.write(master, keys.encode())
                unseen_since = time.monotonic() if keys == CTRL_C else float("inf")
                if not waiting:
                    after(process.pid)
        assert not waiting, (waiting, written[-2000:])
        code = process.wait(max(1.0, ends - time.monotonic()))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
    return code, written.decode("utf-8", "replace").replace("\r\n", "\n")
