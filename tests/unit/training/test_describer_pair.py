"""The weights that a run of the embedder starts from."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from par_core.errors import WeightsError
from par_core.models.shipped import FILES
from par_core.models.weights import read_shipped
from par_core.training.describer_pair import DescriberPair, starting_pair


def test_a_run_starts_from_the_shipped_weights_or_from_those_of_another_run(tmp_path: Path) -> None:
    shipped = starting_pair(Path("compact"), 0)
    for name, tensor in read_shipped(FILES[1])[0].items():
        assert torch.equal(shipped.image.state_dict()[name], tensor)
    assert float(shipped.log_scale.detach().exp()) != pytest.approx(10.0, abs=1e-3), "as it was learned"
    with torch.no_grad():
        shipped.bias.fill_(-1.5)
    save_file(
        {name: each.contiguous() for name, each in shipped.state_dict().items()}, tmp_path / "a.safetensors"
    )
    again = starting_pair(tmp_path / "a.safetensors", 7)
    for name, tensor in shipped.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"bias": torch.zeros(())}, tmp_path / "b.safetensors")
    with pytest.raises(WeightsError, match="another network"):
        starting_pair(tmp_path / "b.safetensors", 0)


def test_what_has_no_start_is_drawn_by_the_seed() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return DescriberPair().image.queries

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
