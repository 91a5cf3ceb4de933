"""Torch modules as OpenVINO models."""

import copy
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from par_core.models.openvino_library import openvino_library
from par_core.models.runtimes import Arrays, Compiled, Runtime

__all__ = ["compile_module", "convert", "for_even_sides"]


def compile_module(runtime: Runtime, module: nn.Module, examples: Arrays, key: str) -> Compiled:
    """Compile a torch module on any runtime; see :meth:`Runtime.compile`."""
    network = (lambda: convert(module, examples)) if runtime.name == "openvino" else module
    return runtime.compile(network, examples, key)


def convert(module: nn.Module, examples: Arrays) -> Any:
    """Return an OpenVINO model of a module whose outputs are tensors, by OpenVINO's PyTorch front end itself,
    without the conversion tool around it.

    Args:
        module: Module; evaluated as it does in evaluation mode.
        examples: Typical inputs, of any batch, height and width.
    """
    openvino_library()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    inputs = tuple(torch.from_numpy(example) for example in examples)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.trace", category=FutureWarning)
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # type: ignore[attr-defined]
        decoder = TorchScriptPythonDecoder(_Tupled(module.eval()), example_input=inputs)
        front_end = FrontEndManager().load_by_framework("pytorch")
        return front_end.convert(front_end.load(decoder))


def for_even_sides(module: nn.Module) -> nn.Module:
    """Return a copy of a module whose convolutions with TensorFlow's "same" padding and a stride of 2 pad by
    fixed widths, which a convolution does by itself: by how much they pad depends on the sides of their
    input, and is the same for all even ones.

    Args:
        module: Module that sees pictures whose sides are multiples of its stride; others get wrong results.
    """
    from timm.layers.conv2d_same import Conv2dSame

    copied = copy.deepcopy(module)
    for parent in list(copied.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Conv2dSame):
                setattr(parent, name, _EvenSides(child))
    return copied


class _EvenSides(nn.Conv2d):
    """A convolution with "same" padding and a stride of 2, of even sides."""

    def __init__(self, same: nn.Conv2d) -> None:
        if same.stride != (2, 2) or same.dilation != (1, 1):
            raise ValueError(f"expected a stride of 2 without dilation, got {same}")
        kernel = (same.kernel_size[0], same.kernel_size[1])
        super().__init__(same.in_channels, same.out_channels, kernel, stride=2, groups=same.groups)
        self.weight, self.bias = same.weight, same.bias
        down, across = (side - 2 for side in kernel)
        self._pad = (across // 2, across - across // 2, down // 2, down - down // 2)

    def forward(self, input: Tensor) -> Tensor:
        padded = functional.pad(input, self._pad)
        return functional.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)


class _Tupled(nn.Module):
    """Gives a module's outputs as a plain tuple, which converters need."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        outputs = self.module(*inputs)
        return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
