"""The loop on a network of a few numbers: exact to resume, stopped early, never mixed with another run."""

import contextlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from torch import Tensor, multiprocessing, nn

from par_core.atomic import partial_name
from par_core.errors import BadConfigError
from par_core.training.checkpoints import load_checkpoint
from par_core.training.loop import CHECKPOINT, LOG, Fitted, Schedule, fit
from par_core.training.processes import World, add_up_gradients
from par_core.training.report import read_log, write_report

ALONE = World(1, 0, torch.device("cpu"))
SCHEDULE = Schedule(steps=30, rate=0.05, warmup=3, score_every=5)


class Line:
    """Learns y = 3 x - 1 with dropout, so that every step is random."""

    def __init__(self, best_at: int | None = None) -> None:
        torch.manual_seed(0)
        self.network: nn.Module = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.scored = 0
        self._best_at = best_at

    def groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.network.parameters()), "share": 1.0}]

    def losses(self, step: int, world: World) -> dict[str, Tensor]:
        torch.manual_seed(step)
        x = torch.from_numpy(np.random.default_rng(step).normal(size=(16, 1)).astype(np.float32))
        return {"square": (self.network(x) - (3 * x - 1)).square().mean()}

    def score(self, network: nn.Module) -> dict[str, float]:
        assert not network.training
        self.scored += 1
        if self._best_at is not None:
            return {"score": -float(abs(self.scored - self._best_at))}
        with torch.no_grad():
            return {"score": -float((network(torch.tensor([[2.0]])) - 5).abs())}


class KilledError(Exception):
    pass


def stop_at(step: int) -> Any:
    def follow(now: int, _: int, __: object) -> None:
        if now == step:
            raise KilledError

    return follow


def run(out: Path, schedule: Schedule = SCHEDULE, learner: Line | None = None, **options: Any) -> Fitted:
    return fit(learner or Line(), schedule, {"schedule": repr(schedule)}, out, world=ALONE, **options)


def test_it_learns(tmp_path: Path) -> None:
    losses = [
        line["square"] for line in (run(tmp_path, Schedule(steps=400, rate=0.05)), read_log(tmp_path))[1]
    ]
    assert losses[-1] < losses[0] / 5


@pytest.mark.parametrize("killed_at", [1, 7, 10, 29])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path, killed_at: int) -> None:
    whole = run(tmp_path / "whole", save_every=3)
    with pytest.raises(KilledError):
        run(tmp_path / "parts", save_every=3, follow=stop_at(killed_at))
    partial_name(tmp_path / "parts" / CHECKPOINT).touch()
    again = run(tmp_path / "parts", save_every=3)
    assert all(torch.equal(again.weights[name], tensor) for name, tensor in whole.weights.items())
    assert (again.scores, again.step) == (whole.scores, whole.step)
    assert not list((tmp_path / "parts").glob("*.partial"))
    assert not list((tmp_path / "parts").glob(".*.partial"))
    kept, wanted = (
        torch.load(tmp_path / name / CHECKPOINT, weights_only=True) for name in ("parts", "whole")
    )
    assert all(torch.equal(kept["network"][name], tensor) for name, tensor in wanted["network"].items())


def test_the_average_is_that_of_all_weights_and_counters_are_the_last(tmp_path: Path) -> None:
    learner = Line()
    learner.network = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    wanted = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}

    def follow(step: int, _: int, __: object) -> None:
        decay = min(0.6, step / (step + 9))
        for name, tensor in learner.network.state_dict().items():
            share = 1 - decay if tensor.is_floating_point() else 1
            wanted[name] = torch.lerp(wanted[name], tensor, share) if share < 1 else tensor.clone()

    fitted = run(tmp_path, Schedule(steps=30, rate=0.05, average=0.6), learner, follow=follow)
    assert wanted["1.num_batches_tracked"] == 30
    assert all(torch.equal(fitted.weights[name], tensor) for name, tensor in wanted.items())


def test_a_finished_run_does_nothing_more(tmp_path: Path) -> None:
    first = run(tmp_path)
    log = (tmp_path / LOG).read_text()
    again = run(tmp_path, learner=(learner := Line()))
    assert learner.scored == 0
    assert (tmp_path / LOG).read_text() == log
    assert all(torch.equal(again.weights[name], tensor) for name, tensor in first.weights.items())


def test_it_stops_when_tired_and_keeps_the_best(tmp_path: Path) -> None:
    fitted = run(tmp_path, Schedule(steps=1000, rate=0.01, score_every=5, patience=3), Line(best_at=2))
    assert (fitted.step, fitted.steps_done) == (10, 25)
    assert fitted.scores == {"score": 0.0}


def test_a_folder_of_another_run_is_refused_with_the_difference(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(BadConfigError, match=r"holds another run.*steps=30.*instead of.*steps=31"):
        run(tmp_path, Schedule(steps=31, rate=0.05, warmup=3, score_every=5))


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"), pytest.raises(BadConfigError, match="another process is training"):
        run(tmp_path)


def test_a_report_has_the_curve_the_scores_and_a_card(tmp_path: Path) -> None:
    fitted = run(tmp_path)
    recipe = {"schedule": {"steps": 30, "rate": 0.05, "average": 0.998}}
    report = {
        "what": "line",
        "dataset": "made up",
        "seed": 0,
        "fold": None,
        "sizes": {"train": 16},
        "recipe": recipe,
        "processes": 1,
    }
    report["scored_on"] = "people held out"
    write_report(
        tmp_path, {**report, "scores": fitted.scores, "steps_done": 30, "step_of_weights": fitted.step}
    )
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "**Scores** on people held out:" in (tmp_path / "card.md").read_text()
    assert f"| score | {fitted.scores['score']:.4f} |" in (tmp_path / "card.md").read_text()
    assert json.loads((tmp_path / "report.json").read_text())["versions"]["torch"] == version("torch")


def test_a_card_of_attributes_says_how_their_figures_are_counted(tmp_path: Path) -> None:
    run(tmp_path)
    recipe = {"schedule": {"steps": 30, "rate": 0.05, "average": 0.998}}
    report = {
        "what": "attributes",
        "dataset": "made up",
        "seed": 0,
        "fold": None,
        "sizes": {"train": 16},
        "recipe": recipe,
        "processes": 1,
    }
    report["scored_on"] = "people held out"
    write_report(tmp_path, {**report, "scores": {"mA": 0.5}, "steps_done": 30, "step_of_weights": 30})
    assert (
        "| mA | 0.5000 |\n\nAn attribute counts as predicted where its probability exceeds 0.5, or"
        in (tmp_path / "card.md").read_text()
    )


def _one_of_two(rank: int, address: str, results: str) -> None:
    torch.distributed.init_process_group("gloo", init_method=address, world_size=2, rank=rank)
    used, unused = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.ones(1))
    frozen = nn.Parameter(torch.ones(3), requires_grad=False)
    if rank == 0:
        used.grad = torch.tensor([2.0, 4.0])
    else:
        used.grad, unused.grad = torch.tensor([4.0, 0.0]), torch.tensor([3.0])
    add_up_gradients([used, frozen, unused], World(2, rank, torch.device("cpu")))
    assert frozen.grad is None
    torch.save([used.grad, unused.grad], f"{results}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_processes_that_train_together_get_the_mean_gradient(tmp_path: Path) -> None:
    multiprocessing.spawn(_one_of_two, (f"file://{tmp_path}/meet", str(tmp_path)), nprocs=2)
    for rank in range(2):
        used, unused = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert used.tolist() == [3.0, 2.0]
        assert unused.tolist() == [1.5]


class PartOfLine(Line):
    """Each process learns from other numbers."""

    def losses(self, step: int, world: World) -> dict[str, Tensor]:
        return super().losses(world.size * step + world.rank, world)


def _one_of_three(rank: int, folder: str) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", world_size=3, rank=rank)
    torch.set_num_threads(1)
    world = World(3, rank, torch.device("cpu"))
    for name, stops in (("whole", [SCHEDULE.steps]), ("parts", [13, SCHEDULE.steps])):
        for stop in stops:
            out = Path(folder) / name
            with contextlib.suppress(KilledError):
                fit(PartOfLine(), SCHEDULE, {}, out, world=world, save_every=1, follow=stop_at(stop))
            torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def test_a_stopped_run_of_three_processes_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    multiprocessing.spawn(_one_of_three, (str(tmp_path),), nprocs=3)
    whole, parts = (load_checkpoint(tmp_path / name / CHECKPOINT) for name in ("whole", "parts"))
    assert whole is not None
    assert parts is not None
    assert whole["step"] == parts["step"] == SCHEDULE.steps
    assert all(torch.equal(parts["network"][name], tensor) for name, tensor in whole["network"].items())
