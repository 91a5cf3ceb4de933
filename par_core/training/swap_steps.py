"""How many steps of training fit into some hours, decided once for a run."""

import json
import statistics
import time
from pathlib import Path
from typing import Final

import torch

from par_core.atomic import write_atomic
from par_core.training.processes import World
from par_core.training.swap_data import SwapPeople
from par_core.training.swap_learner import SwapLearner, SwapRecipe

__all__ = ["steps_within"]

_STEPS_FILE: Final = "steps.json"
_MEASURED: Final = 6


def steps_within(hours: float, people: SwapPeople, recipe: SwapRecipe, out: Path, world: World) -> int:
    """Return how many steps fit into some hours on this machine, as it is busy now.

    The answer is kept in the folder of the run, since a resumed run must have as many.

    Args:
        hours: See there.
        people: Who is learned from.
        recipe: How.
        out: Folder of the run.
        world: One process.
    """
    file = out / _STEPS_FILE
    if file.is_file():
        kept = json.loads(file.read_bytes())
        if kept["hours"] == hours:
            return int(kept["steps"])
    learner = SwapLearner(people, recipe)
    learner.network.to(world.device)
    seconds = []
    for step in range(_MEASURED):
        started = time.monotonic()
        torch.stack(list(learner.losses(step + 1, world).values())).sum().backward()
        seconds.append(time.monotonic() - started)
    steps = max(1, int(hours * 3600 / statistics.median(seconds)))
    write_atomic(file, (json.dumps({"hours": hours, "steps": steps}) + "\n").encode())
    return steps
