"""Torch modules as OpenVINO models."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from par_core.models.openvino_library import openvino_library
from par_core.models.runtimes import Arrays, Compiled, Runtime

__all__ = ["compile_module", "convert"]


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


class _Tupled(nn.Module):
    """Gives a module's outputs as a plain tuple, which converters need."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        outputs = self.module(*inputs)
        return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
