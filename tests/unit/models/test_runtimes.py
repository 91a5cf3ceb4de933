"""The runtime interface itself."""

import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import torch
from torch import nn

from par_core.atomic import partial_name
from par_core.models.runtimes import OpenVinoRuntime, Runtime, TorchRuntime


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 5, 3, padding=1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.convolution(images).relu()
        return features, features.mean(dim=(2, 3))


@pytest.mark.parametrize(
    "runtime",
    [TorchRuntime(), TorchRuntime("cpu", "bf16"), OpenVinoRuntime(), OpenVinoRuntime("bf16")],
    ids=lambda r: f"{r.name}-{r.precision}",
)
def test_every_runtime_gives_the_outputs_of_the_module_at_any_size(runtime: Runtime) -> None:
    torch.manual_seed(0)
    module = TwoHeads().eval()
    inputs = [torch.rand(n, 3, h, w) for n, h, w in ((1, 8, 8), (3, 16, 9), (2, 5, 30))]
    with torch.no_grad():
        wanted = [module(images) for images in inputs]
    run = runtime.compile(module, (torch.zeros(2, 3, 10, 12),), str(uuid4()))
    for images, (features, means) in zip(inputs, wanted, strict=True):
        outputs = run(images)
        assert [tensor.shape for tensor in outputs] == [features.shape, means.shape]
        tolerance = 1e-4 if runtime.precision == "fp32" else 3e-2
        assert (outputs[0] - features).abs().max() < tolerance
        assert (outputs[1] - means).abs().max() < tolerance


def test_an_earlier_result_is_not_overwritten_by_a_later_call() -> None:
    run = OpenVinoRuntime().compile(TwoHeads().eval(), (torch.zeros(1, 3, 8, 8),), str(uuid4()))
    first = run(torch.zeros(1, 3, 8, 8))[1]
    kept = first.clone()
    run(torch.ones(1, 3, 8, 8))
    assert torch.equal(first, kept)


def test_openvino_is_used_without_its_telemetry() -> None:
    code = (
        "from par_core.models.openvino_library import openvino_library; openvino_library(); import sys;"
        " print(sorted(m for m in sys.modules if 'telemetry' in m and sys.modules[m]))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "openvino_telemetry" not in output


def test_a_converted_network_is_kept_and_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    module, images = TwoHeads().eval(), torch.rand(1, 3, 8, 8)
    first = OpenVinoRuntime().compile(module, (images,), "a")(images)[1]
    (kept,) = (path for path in (tmp_path / "par" / "openvino").iterdir() if path.is_dir())
    shutil.rmtree(kept)
    partial_name(kept).mkdir()
    assert torch.equal(OpenVinoRuntime().compile(module, (images,), "a")(images)[1], first)
    assert not list(kept.parent.glob(".*")), "a killed process left it"
    other = TwoHeads().eval()  # another module under the same key: the cached network is used
    assert torch.equal(OpenVinoRuntime().compile(other, (images,), "a")(images)[1], first)
    assert not torch.equal(OpenVinoRuntime().compile(other, (images,), "b")(images)[1], first)
    assert {path.suffix for path in kept.iterdir()} == {".xml", ".bin", ".blob"}
