"""The runtime interface itself."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import torch
from torch import nn

from par_core.atomic import partial_name
from par_core.models.conversion import compile_module, convert
from par_core.models.openvino_library import openvino_library
from par_core.models.runtimes import AS_COMPUTED, OpenVinoRuntime, Runtime, widened
from par_core.models.torch_runtime import TorchRuntime


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
    run = compile_module(runtime, module, (np.zeros((2, 3, 10, 12), np.float32),), str(uuid4()))
    for images, (features, means) in zip(inputs, wanted, strict=True):
        outputs = run(images.numpy())
        assert [array.shape for array in outputs] == [features.shape, means.shape]
        tolerance = 1e-4 if runtime.precision == "fp32" else 3e-2
        assert np.abs(outputs[0] - features.numpy()).max() < tolerance
        assert np.abs(outputs[1] - means.numpy()).max() < tolerance


def test_an_earlier_result_is_not_overwritten_by_a_later_call() -> None:
    zeros = np.zeros((1, 3, 8, 8), np.float32)
    run = compile_module(OpenVinoRuntime(), TwoHeads().eval(), (zeros,), str(uuid4()))
    first = run(zeros)[1]
    kept = first.copy()
    run(zeros + 1)
    assert np.array_equal(first, kept)


def test_outputs_in_place_are_those_of_a_call_and_stay_bf16_only_where_they_may() -> None:
    def network() -> object:
        model = convert(TwoHeads().eval(), (images,))
        model.outputs[0].set_names({f"{AS_COMPUTED}0"})
        return model

    images = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
    for precision, kinds in (("fp32", ["float32"] * 2), ("bf16", ["uint16", "float32"])):
        run = OpenVinoRuntime(precision).compile(network, (images,), str(uuid4()))
        raw, called = run.in_place(images), run(images)
        assert [array.dtype.name for array in raw] == kinds
        wide = widened(raw[0]) if raw[0].dtype == np.uint16 else raw[0]
        assert np.array_equal(wide, called[0])
        assert np.array_equal(raw[1], called[1])


def test_openvino_is_imported_without_its_telemetry_and_converter() -> None:
    code = (
        "from par_core.models.openvino_library import openvino_library; openvino_library(); import sys;"
        " print([m for m in ('openvino', 'openvino_telemetry', 'openvino.tools.ovc') if sys.modules.get(m)])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "['openvino']"


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")  # called by the converter
def test_other_programs_find_openvinos_converter_beside_par() -> None:
    converted = openvino_library().convert_model(nn.ReLU(), example_input=torch.zeros(2))
    assert {op.get_type_name() for op in converted.get_ops()} == {"Parameter", "Relu", "Result"}


def test_a_compiled_network_is_kept_and_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    module, images = TwoHeads().eval(), np.random.default_rng(0).random((1, 3, 8, 8), np.float32)

    def means(network: nn.Module, key: str) -> np.ndarray:
        return compile_module(OpenVinoRuntime(), network, (images,), key)(images)[1]

    first = means(module, "a")
    (kept,) = (tmp_path / "par" / "openvino").glob("*.blob")
    kept.unlink()
    partial_name(kept).touch()
    assert np.array_equal(means(module, "a"), first)
    assert not list(kept.parent.glob(".*")), "a killed process left it"
    other = TwoHeads().eval()  # another module under the same key: the cached network is used
    assert np.array_equal(means(other, "a"), first)
    assert not np.array_equal(means(other, "b"), first)


@pytest.mark.parametrize("damage", [b"", b"junk", None])
def test_a_damaged_file_of_the_cache_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    module, images = TwoHeads().eval(), np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
    wanted = compile_module(OpenVinoRuntime(), module, (images,), "a")(images)
    (kept,) = (tmp_path / "par" / "openvino").glob("*.blob")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    again = compile_module(OpenVinoRuntime(), module, (images,), "a")(images)
    assert all(np.array_equal(a, b) for a, b in zip(wanted, again, strict=True))
    assert len(kept.read_bytes()) > len(whole) // 2
