"""The average of several runs is their mean, and can be exported and started from as a run can be."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from par_core.errors import WeightsError
from par_core.models.torch_segmenter import compact_network
from par_core.models.weights import read_published
from par_core.training.averaging import average, main
from par_core.training.checkpoints import load_checkpoint, save_checkpoint
from par_core.training.describer_pair import starting_pair
from par_core.training.loop import CHECKPOINT


def a_run(folder: Path, weights: dict[str, torch.Tensor], seed: int, *, scored: bool) -> Path:
    folder.mkdir()
    worse = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    best = {"weights": weights if scored else {}}
    state = {"best": best, "averaged": worse if scored else weights, "recipe": {"seed": seed}, "step": 150}
    save_checkpoint(folder / CHECKPOINT, state)
    return folder


def test_the_mean_of_two_runs_is_written_with_what_made_them(tmp_path: Path) -> None:
    pair = starting_pair(Path("compact"), 0).state_dict()
    other = {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in pair.items()}
    runs = [a_run(tmp_path / "a", pair, 3, scored=False), a_run(tmp_path / "b", other, 4, scored=True)]
    main(["--runs", *map(str, runs), "--out", str(tmp_path / "mean")])
    written = load_file(tmp_path / "mean" / "embedder.safetensors")
    checkpoint = load_checkpoint(tmp_path / "mean" / CHECKPOINT)
    assert checkpoint is not None
    assert checkpoint["recipe"] == {"average_of": [{"run": "a", "seed": 3}, {"run": "b", "seed": 4}]}
    assert checkpoint["step"] == 300
    assert not checkpoint["best"]["weights"]
    for name, tensor in pair.items():
        wanted = tensor + 0.5 if tensor.is_floating_point() else tensor
        assert torch.allclose(written[name], wanted, atol=1e-6)
        assert torch.equal(checkpoint["averaged"][name], written[name])
    again = starting_pair(tmp_path / "mean" / "embedder.safetensors", 0).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in written.items())


def test_the_mean_of_segmenters_is_named_as_they_are(tmp_path: Path) -> None:
    network = compact_network().state_dict()
    runs = [a_run(tmp_path / name, network, 3, scored=False) for name in ("a", "b")]
    save_file(
        {name: tensor.contiguous() for name, tensor in network.items()}, runs[0] / "segmenter.safetensors"
    )
    main(["--runs", *map(str, runs), "--out", str(tmp_path / "mean")])
    written = read_published(tmp_path / "mean" / "segmenter.safetensors", "segmenter")
    assert all(torch.allclose(written[name], tensor) for name, tensor in network.items())


def test_networks_of_different_kinds_are_refused() -> None:
    with pytest.raises(WeightsError, match="different networks"):
        average([{"a": torch.zeros(2)}, {"a": torch.zeros(3)}])
    with pytest.raises(WeightsError, match="different networks"):
        average([{"a": torch.zeros(2)}, {"b": torch.zeros(2)}])
    with pytest.raises(WeightsError, match="no weights"):
        average([])


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no checkpoint in .*nothing"):
        main(["--runs", str(tmp_path / "nothing"), "--out", str(tmp_path / "mean")])
