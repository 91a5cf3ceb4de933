"""Weights files that are not what they say."""

import contextlib
import random
from pathlib import Path

import pytest
import torch

from par_core.errors import WeightsError
from par_core.models.weights import read_published

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:FutureWarning", "ignore:Detected pickle protocol:UserWarning"
)


class Writes(torch.nn.Module):
    """Writes a file as soon as it is loaded."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.target = target

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, str, bool]:
        return (self.weight, self.target, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, str, bool]) -> None:
        self.weight = state[0]
        self.target = state[1]
        self.training = state[2]
        torch.save(torch.zeros(2), state[1])


def test_torchscript_that_runs_when_it_is_loaded_is_refused_before(tmp_path: Path) -> None:
    torch.jit.script(Writes(str(tmp_path / "written"))).save(str(tmp_path / "evil.pt"))
    with pytest.raises(WeightsError, match="__setstate__"):
        read_published(tmp_path / "evil.pt", "text model")
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize("new", [True, False], ids=["zip", "old"])
def test_damage_anywhere_is_one_clear_error(tmp_path: Path, new: bool) -> None:
    path, chance = tmp_path / "weights.pt", random.Random(0)
    torch.save({"a": torch.ones(2, 2)}, path, _use_new_zipfile_serialization=new)
    whole = path.read_bytes()
    for _ in range(200):
        broken = bytearray(whole[: chance.choice([len(whole), chance.randrange(1, len(whole))])])
        for _ in range(1 + chance.randrange(5)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(bytes(broken))
        with contextlib.suppress(WeightsError):
            assert set(map(type, read_published(path, "text model").values())) <= {torch.Tensor}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02cposix\nsystem\n(S'true'\ntR.",
        (2**63).to_bytes(8, "little") + b"{}",
        b"PK\x05\x06" + bytes(18),
    ],
)
@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_what_is_no_weights_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match="refused"):
        read_published(tmp_path / name, "text model")
