"""The network of age and gender of ``@vladmandic/face-api``: a small Xception on 112 x 112 pixels."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from par_core.errors import WeightsError
from par_core.faces.graph import conv, depthwise, network, operations
from par_core.faces.pixels import padded_to_square, resized
from par_core.types import ImageU8

__all__ = ["AgeGender"]

_SIZE: Final = 112
_MEAN: Final = np.array([122.782, 117.001, 104.298], np.float32)
_MAN: Final = 0  # of the two classes


class AgeGender:
    """Age and gender of faces.

    Args:
        tensors: Tensors of ``age_gender_model`` by name.
        threads: Number of threads.

    Raises:
        WeightsError: The tensors are those of another network.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray], *, threads: int = 1) -> None:
        try:
            self._run = network(_SIZE, lambda x: _xception(x, tensors), threads=threads)
        except KeyError as error:
            raise WeightsError(f"these are no weights of age and gender: {error} is missing") from error

    def answer(self, faces: Sequence[ImageU8]) -> tuple[Float32[np.ndarray, " n"], Float32[np.ndarray, " n"]]:
        """Return the probability in [0, 1] that each is a woman, and the ages in years.

        Args:
            faces: Faces, cut out by their boxes; each is padded to a square, never stretched.
        """
        if not faces:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        squares = [resized(padded_to_square(face, centred=True), _SIZE) for face in faces]
        genders, ages = self._run((np.stack(squares) - _MEAN) / np.float32(255))
        return np.clip(1 - genders[:, _MAN], 0, 1), ages[:, 0]


def _xception(x: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Any, Any]:
    """Nodes of the genders (n, 2), which add up to 1, and of the ages (n, 1)."""
    ops = operations()

    def separable(x: Any, name: str) -> Any:
        mixed = depthwise(x, tensors[f"{name}/depthwise_filter"])
        return conv(mixed, tensors[f"{name}/pointwise_filter"], tensors[f"{name}/bias"])

    def reduction(x: Any, name: str, *, activated: bool = True) -> Any:
        out = separable(ops.relu(x) if activated else x, f"{name}/separable_conv0")
        out = separable(ops.relu(out), f"{name}/separable_conv1")
        out = ops.max_pool(out, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3], auto_pad="same_upper").output(0)
        expansion = f"{name}/expansion_conv"
        return ops.add(out, conv(x, tensors[f"{expansion}/filters"], tensors[f"{expansion}/bias"], 2))

    def main(x: Any, name: str) -> Any:
        out = x
        for i in range(3):
            out = separable(ops.relu(out), f"{name}/separable_conv{i}")
        return ops.add(out, x)

    def dense(x: Any, name: str) -> Any:
        product = ops.matmul(x, ops.constant(tensors[f"{name}/weights"]), False, False)
        return ops.add(product, ops.constant(tensors[f"{name}/bias"]))

    entry = "entry_flow/conv_in"
    x = ops.relu(conv(x, tensors[f"{entry}/filters"], tensors[f"{entry}/bias"], 2))
    x = reduction(x, "entry_flow/reduction_block_0", activated=False)
    x = reduction(x, "entry_flow/reduction_block_1")
    x = main(main(x, "middle_flow/main_block_0"), "middle_flow/main_block_1")
    x = reduction(x, "exit_flow/reduction_block")
    x = ops.relu(separable(x, "exit_flow/separable_conv"))
    features = ops.reduce_mean(x, ops.constant(np.array([2, 3], np.int64)), keep_dims=False)
    return ops.softmax(dense(features, "fc/gender"), 1), dense(features, "fc/age")
