"""What a question costs a user: ``par search`` alone, through a running server, and in ``par shell``. Prints
one JSON.

    python benchmarks/warm_search.py > benchmarks/results/warm_search.json

The demo's six photographs are indexed once. The ways take turns, so that a busy machine slows all of them.
Seconds of the clock are from the start of the command (in the shell, from the line) to the end of the answer;
CPU seconds are those of the command and its children, without the server. All answers must be the same.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Final

sys.path.insert(0, str(Path(__file__).parent))
from demo import sample_archive
from machine import provenance

TURNS: Final = 5
QUESTION: Final = "a person in a black coat"
PAR: Final = [sys.executable, "-P", "-m", "flows.cli.main"]


def cost_of(command: list[str], environment: dict[str, str]) -> tuple[float, float, str]:
    """Seconds of the clock, CPU seconds and output of one command."""
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, cpu, done.stdout


class Shell:
    """``par shell`` behind pipes."""

    def __init__(self, store: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [*PAR, "shell", "--store", str(store)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.into: IO[str] = self.process.stdin
        self.out: IO[str] = self.process.stdout

    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, lines: int) -> tuple[float, float, str]:
        """The same of a question, whose answer has so many lines."""
        begun, before = time.perf_counter(), self.cpu()
        self.into.write(QUESTION + "\n")
        self.into.flush()
        assert self.out.readline() == f"par> {QUESTION}\n"
        answer = "".join(self.out.readline() for _ in range(lines))
        return time.perf_counter() - begun, self.cpu() - before, answer

    def close(self) -> None:
        """End it."""
        self.into.close()
        self.process.wait(60)


def figures(costs: list[tuple[float, float, str]]) -> dict[str, float]:
    """Median and least of both kinds of seconds."""
    return {
        "clock_s": round(statistics.median(cost[0] for cost in costs), 3),
        "least_clock_s": round(min(cost[0] for cost in costs), 3),
        "cpu_s": round(statistics.median(cost[1] for cost in costs), 3),
    }


def main() -> None:
    """Measure and print."""
    about = provenance(0)
    with tempfile.TemporaryDirectory(prefix="par-warm-") as folder:
        store = Path(folder) / "store"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
        environment |= {"OMP_NUM_THREADS": "1"}
        source = str(sample_archive(Path(folder) / "demo"))
        subprocess.run([*PAR, "index", source, "--store", str(store), "--quiet"], env=environment, check=True)
        search = [*PAR, "search", QUESTION, "--store", str(store)]
        serve = [*PAR, "serve", "--store", str(store), "--port", "0"]
        with subprocess.Popen(serve, env=environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout
                server.stdout.readline()
                shell = Shell(store, environment)
                costs: dict[str, list[Any]] = {"alone": [], "by the server": [], "in the shell": []}
                lines = cost_of(search, environment)[2].count("\n")
                first = shell.ask(lines)
                for _ in range(TURNS):
                    costs["alone"].append(cost_of(search, environment))
                    costs["by the server"].append(cost_of([*search, "--server", "auto"], environment))
                    costs["in the shell"].append(shell.ask(lines))
                shell.close()
            finally:
                server.terminate()
    # the last sentence names an option of the command line, or the word for it in the shell
    answers = {cost[2].partition("Less likely")[0] for each in costs.values() for cost in each}
    assert len(answers) == 1, answers
    result = {
        "part": "warm_search",
        "turns": TURNS,
        "question": QUESTION,
        **{way: figures(each) for way, each in costs.items()},
        "first question of the shell": {"clock_s": round(first[0], 3)},
        **about,
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
