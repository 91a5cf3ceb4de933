"""The loop of every training run: exact to resume, averaged, stopped early, and the same on one process or on
several.

A step is a function of the seed, the step's number and the weights before it, so that a run that was killed
goes on from its last checkpoint to the same result, bit for bit. The moving average of the weights (Polyak
and Juditsky 1992) is what is scored and kept.
"""

import copy
import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from par_core.atomic import remove_partials
from par_core.errors import BadConfigError
from par_core.training.checkpoints import load_checkpoint, save_checkpoint
from par_core.training.processes import World, add_up_gradients

__all__ = ["CHECKPOINT", "LOG", "Fitted", "Learner", "Schedule", "fit"]

CHECKPOINT: Final = "checkpoint.pt"
LOG: Final = "log.jsonl"

Follow = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        steps: Optimiser steps at most.
        rate: Peak learning rate of AdamW; it rises over ``warmup`` steps and falls to zero along a cosine
            (Loshchilov and Hutter 2017).
        warmup: Steps of rising rate.
        weight_decay: Weight decay of AdamW.
        average: Decay of the moving average, reached as the run grows older.
        clip: Largest norm of a step's gradient.
        score_every: Steps between scores on the validation part; 0 never scores, and keeps the last average.
        patience: Scores in a row without a new best after which the run stops; 0 never stops early.
    """

    steps: int
    rate: float
    warmup: int = 60
    weight_decay: float = 1e-4
    average: float = 0.998
    clip: float = 5.0
    score_every: int = 0
    patience: int = 0


@runtime_checkable
class Learner(Protocol):
    """What is trained: a network, its losses, and its score.

    Attributes:
        network: Changed in place.
    """

    network: nn.Module

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups: ``params``, and ``share``: of the schedule's rate."""
        ...

    def losses(self, step: int, world: World) -> dict[str, Tensor]:
        """The losses of this process's part of a step; their sum is minimised."""
        ...

    def score(self, network: nn.Module) -> dict[str, float]:
        """Scores on the validation part; ``score`` among them decides what is best, higher is better."""
        ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a run gave.

    Attributes:
        weights: The best average if scores were taken, else the last.
        step: When it was taken.
        steps_done: Number of steps of the whole run.
        scores: Scores of the best average; empty if none were taken.
    """

    weights: dict[str, Tensor]
    step: int
    steps_done: int
    scores: dict[str, float]


def fit(
    learner: Learner,
    schedule: Schedule,
    recipe: Mapping[str, Any],
    out: Path,
    *,
    world: World,
    save_every: int = 100,
    follow: Follow | None = None,
) -> Fitted:
    """Train, or go on training.

    Args:
        learner: What to train; with its starting weights.
        schedule: How.
        recipe: Everything that decides the result, as JSON values; a checkpoint of another recipe is refused.
        out: Folder of the checkpoint and the log.
        world: The processes that train together.
        save_every: Steps between checkpoints.
        follow: Called after each step with its number, the number of all, its losses.

    Raises:
        BadConfigError: ``out`` holds a run of another recipe, or another process is training in it.
    """
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / ".lock", blocking=False) if world.is_first else nullcontext()
    try:
        with lock:
            if world.is_first:
                remove_partials(out, of=CHECKPOINT)
            return _fit(learner, schedule, json.loads(json.dumps(recipe)), out, world, save_every, follow)
    except Timeout as error:
        raise BadConfigError(f"another process is training in {out}") from error


def _fit(
    learner: Learner,
    schedule: Schedule,
    recipe: Mapping[str, Any],
    out: Path,
    world: World,
    save_every: int,
    follow: Follow | None,
) -> Fitted:
    run = _Run(learner, schedule)
    checkpoint = load_checkpoint(out / CHECKPOINT)
    if checkpoint is not None:
        if checkpoint["recipe"] != recipe:
            raise BadConfigError(
                f"{out} holds another run; give another folder, or remove this one. It had"
                f" {_difference(checkpoint['recipe'], recipe)}"
            )
        run.load(checkpoint)
    started = time.monotonic()
    learner.network.train()
    while run.step < schedule.steps and not run.is_tired():
        losses = run.learn(world)
        scored = schedule.score_every and (run.step % schedule.score_every == 0 or run.step == schedule.steps)
        scores = run.take_score() if scored else {}
        if world.is_first:
            if scores or run.step % 20 == 1:
                _log(
                    out,
                    {
                        "step": run.step,
                        "of": schedule.steps,
                        "seconds": round(time.monotonic() - started, 1),
                        "rate": _rate(schedule, run.step - 1),
                        **losses,
                        **scores,
                    },
                )
            if run.step % save_every == 0 or scores or run.step == schedule.steps:
                save_checkpoint(out / CHECKPOINT, {"recipe": recipe, **run.state()})
        if follow is not None:
            follow(run.step, schedule.steps, losses)
    return run.result()


class _Run:
    """The changing state of a run."""

    def __init__(self, learner: Learner, schedule: Schedule) -> None:
        self.learner, self.schedule = learner, schedule
        self.optimiser = torch.optim.AdamW(
            learner.groups(), lr=schedule.rate, weight_decay=schedule.weight_decay
        )
        update = _moving_average(schedule.average)
        self.average = AveragedModel(learner.network, multi_avg_fn=update, use_buffers=True)
        self.average.n_averaged.fill_(1)  # the starting weights are the first
        self.step = 0
        self.best: dict[str, Any] = {"weights": {}, "step": 0, "scores": {}, "since": 0}

    def learn(self, world: World) -> dict[str, float]:
        """One step."""
        for group in self.optimiser.param_groups:
            group["lr"] = _rate(self.schedule, self.step) * group["share"]
        losses = self.learner.losses(self.step, world)
        total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        parameters = list(self.learner.network.parameters())
        add_up_gradients(parameters, world)
        norm = nn.utils.clip_grad_norm_(parameters, self.schedule.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.average.update_parameters(self.learner.network)
        self.step += 1
        return {name: round(float(loss.detach()), 4) for name, loss in losses.items()}

    def take_score(self) -> dict[str, float]:
        """Score the average, and keep it if it is the best so far."""
        network = copy.deepcopy(self.average.module).eval()  # scoring may prepare a network for speed
        scores = self.learner.score(network)
        if not self.best["scores"] or scores["score"] > self.best["scores"]["score"]:
            weights = copy.deepcopy(self._averaged())
            self.best = {"weights": weights, "step": self.step, "scores": scores, "since": 0}
        else:
            self.best["since"] += 1
        return scores

    def is_tired(self) -> bool:
        return bool(self.schedule.patience) and self.best["since"] >= self.schedule.patience

    def _averaged(self) -> dict[str, Tensor]:
        return self.average.module.state_dict()

    def state(self) -> dict[str, Any]:
        optimiser = self.optimiser.state_dict()
        networks = {"network": self.learner.network.state_dict(), "averaged": self._averaged()}
        return {"step": self.step, **networks, "optimiser": optimiser, "best": self.best}

    def load(self, checkpoint: Mapping[str, Any]) -> None:
        self.learner.network.load_state_dict(checkpoint["network"])
        self.optimiser.load_state_dict(checkpoint["optimiser"])
        self.average.module.load_state_dict(checkpoint["averaged"])
        self.step, self.best = checkpoint["step"], checkpoint["best"]
        self.average.n_averaged.fill_(self.step + 1)

    def result(self) -> Fitted:
        scored = bool(self.best["scores"])
        weights = self.best["weights"] if scored else self._averaged()
        return Fitted(
            weights, self.best["step"] if scored else self.step, self.step, dict(self.best["scores"])
        )


def _moving_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """For ``AveragedModel``: the n-th decay is n / (n + 9), at most ``decay``; integers are copied."""

    def update(averaged: Any, current: Any, n: Any) -> None:
        if averaged[0].is_floating_point():
            get_ema_multi_avg_fn(min(decay, int(n) / (int(n) + 9)))(averaged, current, n)
        else:
            for kept, tensor in zip(averaged, current, strict=True):
                kept.copy_(tensor)

    return update


def _difference(before: Mapping[str, Any], now: Mapping[str, Any], inside: str = "") -> str:
    """What two settings disagree on, for people."""
    differences = []
    for key in sorted(before.keys() | now.keys()):
        then, today = before.get(key), now.get(key)
        if isinstance(then, dict) and isinstance(today, dict) and then != today:
            differences.append(_difference(then, today, f"{inside}{key}."))
        elif then != today:
            differences.append(f"{inside}{key} {then} instead of {today}")
    return ", ".join(differences)


def _rate(schedule: Schedule, step: int) -> float:
    rising = min(1.0, (step + 1) / schedule.warmup) if schedule.warmup else 1.0
    return schedule.rate * rising * 0.5 * (1 + math.cos(math.pi * step / schedule.steps))


def _log(out: Path, line: Mapping[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOG).open("a") as file:
        file.write(json.dumps(line) + "\n")
