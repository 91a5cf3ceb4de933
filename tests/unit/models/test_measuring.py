"""Precision and batch size are measured, kept, and never chosen beyond the tolerance."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from par_core.atomic import partial_name
from par_core.errors import BadConfigError
from par_core.models import choosing, measuring
from par_core.models.choosing import choose_runtime
from par_core.models.hardware import cpu_computes_bf16
from par_core.models.measuring import TOLERANCE, MeasuringRuntime, measured_batch
from par_core.models.runtimes import Arrays, Compiled, Precision


def compute(seconds: float) -> None:
    """Use the processor for some seconds of CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


class Pretended:
    """A runtime whose bf16 is as fast and as wrong as the test says."""

    waits = 0.0

    name = "pretended"
    device = "cpu"

    def __init__(self, precision: Precision, error: float, seconds: float) -> None:
        self.precision: Precision = precision
        self.error, self.seconds = (error, seconds) if precision == "bf16" else (0.0, 0.002)

    def compile(self, network: Compiled, examples: Arrays, key: str) -> Compiled:
        def run(*inputs: np.ndarray) -> Arrays:
            compute(self.seconds)
            time.sleep(self.waits if self.precision == "bf16" else 0)
            return tuple(output * (1 + self.error) for output in network(*inputs))

        return run


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def chosen(error: float, seconds: float, allowed: tuple[Precision, ...] = ("fp32", "bf16")) -> Precision:
    runtime = MeasuringRuntime(lambda precision: Pretended(precision, error, seconds), allowed)
    run = runtime.compile(lambda array: (array,), (np.ones((2, 3)),), f"{error}/{seconds}")
    assert run(np.ones(1))[0] == 1 + (error if runtime.precision == "bf16" else 0)
    return runtime.precision


def test_the_faster_precision_is_taken_if_it_is_near_enough() -> None:
    assert chosen(TOLERANCE / 2, 0.0001) == "bf16"
    assert chosen(TOLERANCE / 2, 0.01) == "fp32"
    assert chosen(TOLERANCE * 2, 0.0001) == "fp32"


def test_a_machine_that_is_busy_chooses_as_one_that_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pretended, "waits", 0.01)  # as if others had the processor meanwhile
    assert chosen(TOLERANCE / 2, 0.0001) == "bf16"


def test_insisting_on_a_precision_that_changes_results_is_refused() -> None:
    assert chosen(TOLERANCE / 2, 0.01, ("bf16",)) == "bf16"
    with pytest.raises(BadConfigError, match=r"moves the outputs of this model by 10.0%.*use fp32 or auto"):
        chosen(TOLERANCE * 2, 0.01, ("bf16",))


def test_what_was_measured_is_kept_and_used_again(tmp_path: Path) -> None:
    assert chosen(0.0, 0.0001) == "bf16"
    (file,) = (tmp_path / "par" / "measured").glob("*.json")
    measured = json.loads(file.read_text())
    assert measured["deviation"] == 0
    file.write_text(json.dumps(measured | {"bf16_s": 99.0}))
    assert chosen(0.0, 0.0001) == "fp32"
    file.unlink()
    partial_name(file).touch()
    assert chosen(0.0, 0.0001) == "bf16"
    assert not list(file.parent.glob(".*")), "a killed process left it"


def test_the_smallest_batch_that_is_about_as_quick_an_item_as_the_best() -> None:
    def run(items: np.ndarray) -> Arrays:
        compute(0.004 + 0.001 * len(items) if len(items) <= 8 else 0.1)
        return (items,)

    assert measured_batch(run, np.zeros((1, 3)), "cpu", "a") == 8


def test_running_out_of_memory_ends_the_search() -> None:
    def run(items: np.ndarray) -> Arrays:
        if len(items) > 4:
            raise RuntimeError("out of memory")
        compute(0.005)
        return (items,)

    assert measured_batch(run, np.zeros((1, 3)), "cpu", "a") == 4


def test_larger_batches_than_take_half_a_second_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_LONG_S", 0.01)
    tried = []

    def run(items: np.ndarray) -> Arrays:
        tried.append(len(items))
        compute(0.006 * len(items))
        return (items,)

    assert measured_batch(run, np.zeros((1, 3)), "cpu", "a") == 1
    assert set(tried) == {1, 2}


def test_bf16_is_refused_where_the_processor_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "cpu_computes_bf16", lambda: False)
    with pytest.raises(BadConfigError, match="this processor does not compute"):
        choose_runtime("torch", "cpu", "bf16", threads=1)
    assert choose_runtime("torch", "cpu", "auto", threads=1).precision == "fp32"


@pytest.mark.skipif(not cpu_computes_bf16(), reason="this processor has no bf16")
def test_a_real_network_stays_within_the_tolerance() -> None:
    runtime = choose_runtime("torch", "cpu", "bf16", threads=1)
    torch.manual_seed(0)
    runtime.compile(
        nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 8, 3)).eval(),
        (np.random.default_rng(0).standard_normal((1, 3, 32, 32), np.float32),),
        "real",
    )
    assert runtime.precision == "bf16"
