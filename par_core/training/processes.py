"""Training on several processes, started by torch's own launcher: ``torchrun --nproc-per-node 4 -m ...``. One
process needs nothing of this.

Each process takes its part of every batch; gradients are averaged, so all keep equal weights.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

__all__ = ["World", "add_up_gradients", "processes"]


@dataclass(frozen=True, slots=True)
class World:
    """The processes that train together.

    Attributes:
        size: How many there are.
        rank: Which of them this is, from 0.
        device: Where this one computes.
    """

    size: int
    rank: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files."""
        return self.rank == 0


@contextmanager
def processes(device: str = "auto") -> Iterator[World]:
    """Join the processes that ``torchrun`` started; alone without it.

    Args:
        device: ``cuda``, ``cpu``, or ``auto``: CUDA where torch sees a device.
    """
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if "WORLD_SIZE" not in os.environ:
        yield World(1, 0, torch.device("cuda" if cuda else "cpu"))
        return
    local = int(os.environ["LOCAL_RANK"])
    if cuda:
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield World(
            dist.get_world_size(),
            dist.get_rank(),
            torch.device("cuda", local) if cuda else torch.device("cpu"),
        )
    finally:
        dist.destroy_process_group()


def add_up_gradients(parameters: Sequence[nn.Parameter], world: World) -> None:
    """Replace every gradient by its mean over the processes; a parameter without one counts as zero.

    They travel as one, in the order of the parameters. DistributedDataParallel would cut them differently in
    its first step than in later ones, so that with three processes or more a run that is resumed adds them up
    in another order and is not the same to the bit.

    Args:
        parameters: Parameters of one type and device, the same in every process.
        world: The processes.
    """
    if world.size == 1:
        return
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in trained]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world.size
    for parameter, part in zip(trained, flat.split([each.numel() for each in trained]), strict=True):
        parameter.grad = part.view_as(parameter)
