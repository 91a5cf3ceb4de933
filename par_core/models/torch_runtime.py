"""PyTorch as a runtime: eager, on a CPU or a CUDA device."""

import numpy as np
import torch
from torch import Tensor, nn

from par_core.models.runtimes import Arrays, Precision

__all__ = ["TorchNetwork", "TorchRuntime"]


class TorchNetwork:
    """A module on its device, in its precision.

    Args:
        module: Module in evaluation mode whose outputs are a tensor or several; moved in place.
        device: Device that computes.
        kind: Type of its weights.
    """

    def __init__(self, module: nn.Module, device: torch.device, kind: torch.dtype) -> None:
        self._module = module.to(device, kind).eval()
        self._device, self._kind = device, kind

    def __call__(self, *inputs: np.ndarray) -> Arrays:
        """Compute from arrays to arrays."""
        outputs = self.on_device(*(torch.from_numpy(np.require(array, requirements="W")) for array in inputs))
        return tuple(output.cpu().numpy() for output in outputs)

    def on_device(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Compute from tensors anywhere to fp32 tensors on the device."""
        # not inference_mode: with it, open_clip in bf16 is many times slower on CPUs
        with torch.no_grad():
            outputs = self._module(*(self._placed(tensor) for tensor in inputs))
        tensors = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
        return tuple(tensor.float() for tensor in tensors)

    def _placed(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._kind if tensor.is_floating_point() else tensor.dtype)


class TorchRuntime:
    """PyTorch, eager. A network is a module."""

    name = "torch"

    def __init__(self, device: str = "cpu", precision: Precision = "fp32") -> None:
        self.device = device
        self.precision: Precision = precision

    def compile(self, network: nn.Module, examples: Arrays, key: str) -> TorchNetwork:
        """Move the module to the device; with the precision bf16 the weights become bf16 too, which is faster
        than autocast on CPUs.
        """
        kind = torch.bfloat16 if self.precision == "bf16" else torch.float32
        return TorchNetwork(network, torch.device(self.device), kind)
