"""Average the weights of several runs of the embedder, or of the segmenter, that started alike.

    python -m par_core.training.averaging --runs build/runs/a build/runs/b --out build/runs/average

Runs that start alike and differ in their seeds end in one basin, where the average of their weights is often
better than each of them and costs no time in searches (Wortsman et al. 2022, "Model soups"); so is that of a
run and the one that it started from (Wortsman et al. 2022, "Robust fine-tuning"). The folder that is written
can be exported as a run can be.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from par_core.errors import WeightsError
from par_core.training.checkpoints import load_checkpoint, save_checkpoint
from par_core.training.loop import CHECKPOINT

__all__ = ["average", "average_runs"]

_NAMES: Final = ("segmenter.safetensors", "embedder.safetensors")


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each tensor over networks of one kind; tensors of integers are those of the first.

    Raises:
        WeightsError: The networks are of different kinds, or there is none.
    """
    if not states:
        raise WeightsError("no weights to average")
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes[1:]):
        raise WeightsError("the weights to average are of different networks")
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor.clone()
        for name, tensor in states[0].items()
    }


def average_runs(runs: Sequence[Path], out: Path) -> dict[str, Tensor]:
    """Average finished runs and write a file of weights that is named as theirs, and a checkpoint for export.

    Args:
        runs: Folders of the runs; each counts the same.
        out: Folder to write.

    Raises:
        WeightsError: A folder holds no run, or the runs are of different networks.
    """
    checkpoints = [_checkpoint(run) for run in runs]
    weights = average([kept["best"]["weights"] or kept["averaged"] for kept in checkpoints])
    out.mkdir(parents=True, exist_ok=True)
    file = out / next((name for name in _NAMES if (runs[0] / name).exists()), _NAMES[-1])
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, file)
    file.chmod(0o644)
    recipe = {
        "average_of": [
            {"run": run.name, **kept["recipe"]} for run, kept in zip(runs, checkpoints, strict=True)
        ]
    }
    state = {"best": {"weights": None}, "averaged": weights, "recipe": recipe}
    save_checkpoint(out / CHECKPOINT, state | {"step": sum(kept["step"] for kept in checkpoints)})
    return weights


def _checkpoint(run: Path) -> dict[str, Any]:
    checkpoint = load_checkpoint(run / CHECKPOINT)
    if checkpoint is None:
        raise WeightsError(f"no checkpoint in {run}")
    return checkpoint


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and average."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of finished runs")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    options = parser.parse_args(arguments)
    average_runs(options.runs, options.out)
    print(f"average of {len(options.runs)} runs: {options.out}")


if __name__ == "__main__":
    main()
