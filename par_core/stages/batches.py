"""Run a model on a batch so that one image that fails does not fail the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from par_core.errors import TransientError, UnreadableImageError
from par_core.models.out_of_memory import give_back_gpu_memory, is_out_of_memory
from par_core.status import Status
from par_core.types import ImageU8

__all__ = ["run_batch"]

T = TypeVar("T")


_ALL_OF = 4  # if so many images of one call all fail, the machine is at fault


def run_batch(
    run: Callable[[Sequence[ImageU8]], Sequence[T]], images: Sequence[ImageU8]
) -> list[T | UnreadableImageError]:
    """Run a model on a batch; if it fails, halve the batch until the image at fault is alone.

    Args:
        run: Returns one result an image.
        images: Any number of images.

    Returns:
        One result an image, in order; for an image on which the model fails alone, an UnreadableImageError
        with the status ``model_error``.

    Raises:
        TransientError: Memory ran out on a single image, or the model failed on every image of a larger
            batch: the machine is at fault then, not the images, and nothing may be marked as done.
    """
    results = _halving(run, images)
    if len(images) >= _ALL_OF and all(isinstance(result, UnreadableImageError) for result in results):
        raise TransientError(f"the model failed on all {len(images)} images of a batch: {results[0]}")
    return results


def _halving(
    run: Callable[[Sequence[ImageU8]], Sequence[T]], images: Sequence[ImageU8]
) -> list[T | UnreadableImageError]:
    if not images:
        return []
    try:
        return list(run(images))
    except (MemoryError, RuntimeError) as error:  # the second is what torch and OpenVINO raise
        short = is_out_of_memory(error)
        if short and len(images) == 1:
            raise TransientError(
                f"out of memory on one image of {images[0].shape[1]}x{images[0].shape[0]} pixels"
            ) from error
        if len(images) == 1:
            return [
                UnreadableImageError(
                    Status.MODEL_ERROR, f"the model failed: {(str(error).splitlines() or [''])[0][:200]}"
                )
            ]
    if short:
        give_back_gpu_memory()  # here, since the error held the tensors of the failed call
    middle = len(images) // 2
    return _halving(run, images[:middle]) + _halving(run, images[middle:])
