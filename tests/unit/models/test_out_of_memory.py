"""Memory that runs out is told apart from a picture that a network cannot compute."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from par_core.errors import TransientError, UnreadableImageError
from par_core.models.measuring import measured_batch
from par_core.models.out_of_memory import is_out_of_memory, out_of_memory_may_pass
from par_core.stages.batches import run_batch
from par_core.types import ImageU8

PICTURES = [np.full((4, 4, 3), number, np.uint8) for number in range(8)]

SHORT = [
    MemoryError(),
    torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15 GiB"
    ),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("Exception from src/inference/src/cpp/infer_request.cpp:223:\nstd::bad_alloc\n"),
]


@pytest.mark.parametrize("error", SHORT, ids=lambda error: type(error).__name__)
def test_every_way_of_running_out_of_memory_is_known(error: Exception) -> None:
    assert is_out_of_memory(error)
    with pytest.raises(TransientError, match="out of memory in shard 7"), out_of_memory_may_pass("shard 7"):
        raise error


def test_a_real_lack_of_memory_in_torch_is_known() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("shape mismatch"), ValueError("out of memory"), RuntimeError()]
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)), out_of_memory_may_pass("shard 7"):
        raise error


@pytest.mark.parametrize("error", SHORT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("room", [1, 3])
def test_a_batch_that_does_not_fit_is_halved_until_it_does(error: Exception, room: int) -> None:
    sizes = []

    def run(images: Sequence[ImageU8]) -> list[int]:
        sizes.append(len(images))
        if len(images) > room:
            raise error
        return [int(image[0, 0, 0]) for image in images]

    assert run_batch(run, PICTURES) == list(range(8))
    assert sizes[:3] == [8, 4, 2]


@pytest.mark.parametrize("error", SHORT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_picture_is_not_blamed_for_a_lack_of_memory(error: Exception, count: int) -> None:
    def run(images: Sequence[ImageU8]) -> list[int]:
        raise error

    with pytest.raises(TransientError, match="out of memory on one image of 4x4 pixels"):
        run_batch(run, PICTURES[:count])


def test_a_picture_on_which_the_network_fails_alone_is_blamed() -> None:
    def run(images: Sequence[ImageU8]) -> list[int]:
        if any(image[0, 0, 0] == 5 for image in images):
            raise RuntimeError
        return [0] * len(images)

    results = run_batch(run, PICTURES)
    assert [isinstance(result, UnreadableImageError) for result in results] == [n == 5 for n in range(8)]


def test_a_measurement_without_memory_for_one_item_raises_what_the_network_raised() -> None:
    def run(items: np.ndarray) -> tuple[np.ndarray]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        measured_batch(run, np.zeros((1, 3)), "cuda", "short")
