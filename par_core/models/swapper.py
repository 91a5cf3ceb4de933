"""A trained network of ``par generate swap``, for pictures as arrays."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from par_core.attributes.clothing_parts import PARTS
from par_core.errors import BadConfigError
from par_core.models.swap_network import SwapNetwork

__all__ = ["WEIGHTS", "Swapper", "as_parts", "as_pictures", "learned_from", "save_swapper"]

#: Name of the weights in the folder of a run.
WEIGHTS: Final = "swap.safetensors"
_PEOPLE: Final = "learned_from"


class Swapper:
    """Dresses people in the clothes of others.

    Args:
        run: Folder of a finished run of ``par generate swap train``.

    Raises:
        BadConfigError: It holds no such network.

    Attributes:
        network: In evaluation mode.
    """

    def __init__(self, run: Path) -> None:
        learned_from(run)
        torch.set_num_threads(1)  # sums of several threads differ in the last bits, and so would pictures
        self.network = SwapNetwork()
        try:
            with safe_open(run / WEIGHTS, "pt") as file:
                self.network.load_state_dict({name: file.get_tensor(name) for name in list(file.keys())})
        except (SafetensorError, RuntimeError, OSError) as error:
            raise BadConfigError(f"{run / WEIGHTS} holds another network, or is damaged") from error
        self.network.eval()

    def __call__(
        self,
        people: tuple[UInt8[np.ndarray, "96 48 3"], UInt8[np.ndarray, "96 48"]],
        others: tuple[UInt8[np.ndarray, "96 48 3"], UInt8[np.ndarray, "96 48"]],
    ) -> Float32[np.ndarray, "96 48 3"]:
        """Paint one person in the clothes of another.

        Args:
            people: Picture and parts of the person.
            others: Picture and parts of who lends the clothes.

        Returns:
            RGB in [0, 255], with a grey background.
        """
        with torch.no_grad():
            (own, parts), (theirs, their_parts) = (
                _tensors([picture], [codes]) for picture, codes in (people, others)
            )
            painted = self.network(own, parts, theirs, their_parts)[0]
        return np.ascontiguousarray(255 * painted.permute(1, 2, 0).numpy())


def save_swapper(run: Path, weights: dict[str, Tensor], people: Sequence[tuple[str, str]]) -> None:
    """Write the weights, and into the same file whom they were learned from.

    Args:
        run: Folder of the run.
        weights: State of a ``SwapNetwork``.
        people: Id and file, relative to the data set, of everybody who was learned from.
    """
    tensors = {name: tensor.contiguous() for name, tensor in weights.items()}
    save_file(tensors, run / WEIGHTS, {_PEOPLE: json.dumps([list(each) for each in people])})
    (run / WEIGHTS).chmod(0o644)


def learned_from(run: Path) -> list[tuple[str, str]]:
    """Whom a trained network was learned from: ids and files of the pictures.

    Raises:
        BadConfigError: The folder holds no finished run of ``par generate swap train``.
    """
    file = run / WEIGHTS
    if not file.is_file():
        raise BadConfigError(
            f"{run} is no finished run of par generate swap train: there is no {WEIGHTS} in it"
        )
    try:
        with safe_open(file, "pt") as opened:
            listed = json.loads((opened.metadata() or {})[_PEOPLE])
        return [(str(image), str(name)) for image, name in listed]
    except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
        raise BadConfigError(f"{file} was not written by par generate swap train, or is damaged") from error


def as_pictures(pictures: Sequence[np.ndarray], parts: Tensor) -> Tensor:
    """Of n people: n x 3 x 96 x 48 in [0, 1]; the background is grey, so that nothing is told by it."""
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    person = 1 - parts[:, :1]
    return pixels * person + 0.5 * (1 - person)


def as_parts(codes: Sequence[np.ndarray]) -> Tensor:
    """Of n people: n x parts x 96 x 48, 1 where a pixel shows the part."""
    return (torch.from_numpy(np.stack(codes))[:, None] == torch.arange(len(PARTS))[:, None, None]).float()


def _tensors(pictures: Sequence[np.ndarray], codes: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    parts = as_parts(codes)
    return as_pictures(pictures, parts), parts
