"""Layers in 8 bits: what is shipped, how a network is quantised, and where int8 is chosen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from openvino import Core, Model
from openvino import opset13 as ops

from par_core.errors import BadConfigError, WeightsError
from par_core.models import choosing, hardware
from par_core.models.choosing import choose_runtime
from par_core.models.int8 import Quantisable, quantise, read_ranges
from par_core.models.measuring import TOLERANCE, MeasuringRuntime
from par_core.models.runtimes import Arrays, Compiled, OpenVinoRuntime, Precision, Runtime
from par_core.models.shipped import FILES
from par_core.models.shipped_networks import read_network, shipped_network

RNG = np.random.default_rng(0)
WEIGHTS = RNG.standard_normal((4, 3, 3, 3)).astype(np.float16)
PICTURE = RNG.uniform(-2, 2, (1, 3, 16, 16)).astype(np.float32)


def small_network() -> Model:
    """One convolution with weights stored in fp16."""
    entry = ops.parameter([-1, 3, -1, -1], np.float32, name="entry")
    weights = ops.convert(ops.constant(WEIGHTS), "f32")
    layer = ops.convolution(entry, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    layer.set_friendly_name("layer")
    return Model([layer], [entry], "small")


def computed(model: Model, picture: np.ndarray = PICTURE) -> np.ndarray:
    compiled = Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(picture)[0])


def test_a_quantised_layer_computes_with_256_inputs_and_255_weights() -> None:
    model = small_network()
    quantise(model, {"layer": (-2.0, 2.0)})
    step = 4 / 255
    inputs = np.round((PICTURE + 2) / step) * step - 2
    scale = np.abs(WEIGHTS.astype(np.float32)).max(axis=(1, 2, 3), keepdims=True) / 127
    weights = np.round(WEIGHTS / scale) * scale
    windows = np.lib.stride_tricks.sliding_window_view(inputs, (3, 3), (2, 3))
    wanted = np.einsum("bchwij,ocij->bohw", windows, weights)
    # a few numbers lie half way between two steps
    assert np.abs(computed(model) - wanted).max() < 0.1
    assert np.linalg.norm(computed(model) - computed(small_network())) > 0


def test_inputs_beyond_the_range_count_as_its_end() -> None:
    model = small_network()
    quantise(model, {"layer": (-1.0, 1.0)})
    assert np.allclose(computed(model), computed(model, np.clip(PICTURE, -1, 1)), atol=1e-3)


def test_a_layer_that_the_network_lacks_is_named() -> None:
    with pytest.raises(WeightsError, match="names other, which the network lacks"):
        quantise(small_network(), {"other": (0.0, 1.0)})


def test_the_shipped_ranges_are_of_the_pyramid_and_the_rpn_head() -> None:
    network = shipped_network("segmenter-compact.features", FILES[0])
    assert len(network.ranges) == 9  # four levels of the pyramid, and five of the head
    assert all(low < 0 < high for low, high in network.ranges.values())
    kinds = [node.get_type_name() for node in network.quantised().get_ops()]
    assert kinds.count("FakeQuantize") == 2 * len(network.ranges)
    assert not [node for node in network().get_ops() if node.get_type_name() == "FakeQuantize"]


def test_other_networks_have_no_layers_in_8_bits() -> None:
    for name in ("segmenter-compact.boxes", "segmenter-compact.masks", "describer-compact", "text-compact"):
        assert read_ranges(name) == {}


def test_damaged_ranges_are_refused(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  compact.int8.json\n")
    (tmp_path / "compact.int8.json").write_text("{}")
    with pytest.raises(WeightsError, match="damaged"):
        read_ranges("segmenter-compact.features", tmp_path)


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        ("sse2 avx512f", ("fp32",)),
        ("avx512f avx512_vnni", ("fp32",)),  # int8 must be asked for
        ("avx512f avx512_vnni avx512_bf16", ("fp32", "bf16")),
        ("avx512_vnni amx_bf16 amx_int8 avx512_bf16", ("fp32", "bf16")),
        ("avx2 avx_vnni", ("fp32",)),
    ],
)
def test_the_processor_decides_which_precisions_are_measured(
    flags: str, allowed: tuple[Precision, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_flags", lambda: frozenset(flags.split()))
    seen: list[tuple[Precision, ...]] = []

    def noted(make: Callable[[Precision], Runtime], precisions: tuple[Precision, ...]) -> MeasuringRuntime:
        seen.append(precisions)
        return MeasuringRuntime(make, precisions)

    monkeypatch.setattr(choosing, "MeasuringRuntime", noted)
    choose_runtime("openvino", "cpu", "auto", threads=1)
    choose_runtime("openvino", "cpu", "fp32", threads=1)
    assert seen == [allowed, ("fp32",)]
    if "avx512_vnni" in flags:
        choose_runtime("openvino", "cpu", "int8", threads=1)
        assert seen[-1] == ("int8",)


def test_int8_is_refused_where_the_processor_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_flags", lambda: frozenset({"avx512f"}))
    with pytest.raises(BadConfigError, match="precision is int8, which this processor does not compute"):
        choose_runtime("openvino", "cpu", "int8", threads=1)


def test_int8_is_refused_on_torch() -> None:
    with pytest.raises(BadConfigError, match="computed by OpenVINO on the CPU alone"):
        choose_runtime("torch", "cpu", "int8", threads=1)


class Pretended:
    """A runtime that computes int8 as wrong and as slow as the test says."""

    name, device = "pretended", "cpu"

    def __init__(self, precision: Precision, error: float) -> None:
        self.precision: Precision = precision
        self.error = error if precision == "int8" else 0.0

    def compile(self, network: object, examples: Arrays, key: str) -> Compiled:
        return lambda *inputs: tuple(array * (1 + self.error) for array in inputs)


def chosen(
    error: float, seconds: dict[Precision, float], network: object, monkeypatch: pytest.MonkeyPatch
) -> str:
    order = iter(("fp32", "int8"))
    monkeypatch.setattr("par_core.models.measuring._fastest", lambda *_: seconds[next(order)])
    runtime = MeasuringRuntime(lambda precision: Pretended(precision, error), ("fp32", "int8"))
    run = runtime.compile(network, (np.ones(3),), f"{error}")
    assert run(np.ones(1))[0] == 1 + (error if runtime.precision == "int8" else 0)
    return runtime.precision


@pytest.mark.parametrize(
    ("error", "int8_s", "ranges", "wanted"),
    [
        (TOLERANCE / 2, 0.5, {"layer": (0.0, 1.0)}, "int8"),
        (TOLERANCE / 2, 2.0, {"layer": (0.0, 1.0)}, "fp32"),
        (TOLERANCE * 2, 0.5, {"layer": (0.0, 1.0)}, "fp32"),
        (TOLERANCE / 2, 0.5, {}, "fp32"),
    ],
)
def test_int8_is_taken_if_it_is_faster_near_enough_and_the_network_has_layers_for_it(
    error: float,
    int8_s: float,
    ranges: dict[str, tuple[float, float]],
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    network = Quantisable(lambda: None, ranges)
    assert chosen(error, {"fp32": 1.0, "int8": int8_s}, network, monkeypatch) == wanted


def test_compiled_networks_of_two_precisions_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    network = Quantisable(small_network, {"layer": (-2.0, 2.0)})
    made = [
        OpenVinoRuntime(precision).compile(network, (PICTURE,), "small")(PICTURE)[0]
        for precision in ("fp32", "int8", "fp32", "int8")  # the last two from the cache
    ]
    assert np.array_equal(made[0], made[2])
    assert np.array_equal(made[1], made[3])
    assert not np.array_equal(made[0], made[1])
    assert len(list((tmp_path / "par" / "openvino").glob("*.blob"))) == 2


def test_the_weights_are_those_of_the_other_precisions() -> None:
    plain = read_network("segmenter-compact.features", FILES[0])
    quantised = shipped_network("segmenter-compact.features", FILES[0]).quantised()
    weights = [
        [
            node.get_data().tobytes()
            for node in model.get_ordered_ops()
            if node.get_type_name() == "Constant" and node.get_data().size > 1000
        ]
        for model in (plain, quantised)
    ]
    assert sorted(weights[0]) == sorted(weights[1])
