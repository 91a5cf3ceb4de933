"""Questions one after another, with completion and history: what ``par shell`` does at its prompt."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows.console.answer import say_notes, show_answer
from flows.console.asking import Answers, Asked
from flows.console.hits import printable
from flows.console.lines import say
from par_core.errors import BadConfigError, ParError

if TYPE_CHECKING:
    from flows.console.terminal import Terminal

__all__ = ["Shown", "answer_questions", "history_path", "with_history"]

_PROMPT: Final = "par> "
_HISTORY_LINES: Final = 1_000
_LARGEST: Final = 10_000
_HELP: Final = """\
A question in the language of par search; the best hits come first. Tab completes words, fields and commands.
:top N          at most N hits
:where FILTER   only people who match this filter; without FILTER: everybody again
:weak           also people who are unlikely to fit, or no longer
:explain        the parts of a question with each hit, or no longer
:pictures       pictures with the hits, or no longer
:help           these lines
:quit           the end; Ctrl-D too"""
_BARE: Final = ("help", "quit", "exit")
_COMMANDS: Final = (":explain", ":help", ":pictures", ":quit", ":top ", ":weak", ":where ")


@dataclass(frozen=True, slots=True)
class Shown:
    """How questions are asked and answers shown.

    Attributes:
        top: Largest number of hits.
        where: Filter of all questions, or None.
        weak: Also people who are unlikely to fit.
        explain: Whether the parts of a question are shown.
        terminal: What the terminal draws; None draws no pictures.
    """

    top: int = 20
    where: str | None = None
    weak: bool = False
    explain: bool = False
    terminal: "Terminal | None" = None


def answer_questions(answers: Answers, shown: Shown, drawing: "Terminal | None") -> bool:
    """Read questions from standard input and answer each, until it ends or ``:quit``. Where they are not
    typed, each is printed before its answer.

    A wrong question is one line on standard error, and the next one is read. Ctrl-C drops the line that is
    being typed, or the question that is being answered.

    Returns:
        Whether all questions could be answered.

    Args:
        answers: Who answers.
        shown: How it begins.
        drawing: What the terminal draws once ``:pictures`` asks for pictures; None if it draws none.
    """
    prompt = _PROMPT if sys.stdin.isatty() else ""
    well = True
    while True:
        try:
            line = input(prompt).strip()
            if line and not prompt:
                print(
                    f"{_PROMPT}{printable(line)}", flush=True
                )  # before what is said of it on standard error
            if prompt and line in _BARE:  # nobody looks like that
                line = f":{line}"
            if line in (":quit", ":q", ":exit"):
                return well
            if line.startswith(":"):
                shown = _changed(shown, line, drawing)
            elif line:
                _answer(answers, line, shown)
        except EOFError:
            if prompt:
                print()
            return well
        except KeyboardInterrupt:
            if not prompt:
                raise
            print()
        except ParError as error:
            well = False
            say(f"par: {error}", event="failed", level="error")


def _answer(answers: Answers, text: str, shown: Shown) -> None:
    notes = answers.notes(text)
    say_notes("note", notes)
    answer = answers.ask(Asked(text, where=shown.where, top=shown.top, weak=shown.weak))
    say_notes("warning", answer.warnings[len(notes) :])
    show_answer(answers, answer, shown.terminal, explain=shown.explain, weak=":weak")


def _changed(shown: Shown, line: str, drawing: "Terminal | None") -> Shown:
    """Return how it goes on after a command.

    Raises:
        BadConfigError: There is no such command, or its value is wrong.
    """
    command, _, value = line.partition(" ")
    value = value.strip()
    match command:
        case ":help":
            print(_HELP)
        case ":top":
            if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= _LARGEST:
                raise BadConfigError(f":top wants a number from 1 to {_LARGEST}, got {value!r}")
            return replace(shown, top=int(value))
        case ":where":
            return replace(shown, where=value or None)
        case ":weak":
            _tell_switch("unlikely people", is_on=not shown.weak)
            return replace(shown, weak=not shown.weak)
        case ":explain":
            _tell_switch("the parts of a question", is_on=not shown.explain)
            return replace(shown, explain=not shown.explain)
        case ":pictures":
            if drawing is None:
                raise BadConfigError("this terminal draws no pictures")
            _tell_switch("pictures", is_on=not shown.terminal)
            return replace(shown, terminal=None if shown.terminal else drawing)
        case _:
            raise BadConfigError(f"no command {command}; there are: {', '.join(map(str.strip, _COMMANDS))}")
    return shown


def _tell_switch(what: str, *, is_on: bool) -> None:
    if sys.stdin.isatty():
        print(f"From now on with{'' if is_on else 'out'} {what}.")


def history_path() -> Path:
    """Return the file of the questions that were typed before."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "par" / "history"


@contextlib.contextmanager
def with_history(complete: Callable[[str], list[str]], path: Path | None) -> Iterator[None]:
    """Let lines be edited, completed by Tab, and found again by the arrow keys, for the length of the block.
    Does nothing where standard input is no terminal.

    Args:
        complete: Returns the lines that a line may become.
        path: File that keeps the last thousand lines, for its owner alone; None keeps nothing.
    """
    try:
        import readline
    except ImportError:  # a Python without it
        readline = None  # type: ignore[assignment]
    if readline is None or not sys.stdin.isatty():
        yield
        return
    choices: list[str] = []

    def completer(_: str, state: int) -> str | None:
        if state == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            begin = readline.get_begidx()
            choices[:] = [choice[begin:] for choice in _choices(line, complete)]
        return choices[state] if state < len(choices) else None

    readline.set_completer(completer)
    readline.set_completer_delims(" \t\n")
    # editline, which stands in for readline on some systems, has another form
    editline = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if editline else "tab: complete")
    if not editline:
        readline.parse_and_bind("set enable-bracketed-paste off")
    readline.set_history_length(_HISTORY_LINES)
    if path is not None:
        with contextlib.suppress(OSError):  # none yet
            readline.read_history_file(path)
    try:
        yield
    finally:
        if path is not None:
            _write_history(path, readline.write_history_file)


def _choices(line: str, complete: Callable[[str], list[str]]) -> list[str]:
    if line.startswith(":"):
        return [command for command in _COMMANDS if command.startswith(line)]
    try:
        return complete(line)
    except ParError:  # nothing is said in the middle of a line
        return []


def _write_history(path: Path, write: Callable[[Path], None]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        write(path)
        path.chmod(0o600)
    except OSError as error:
        say(f"par: note: the questions are not kept: {path}: {error.strerror}")
