"""Runtimes, which compute networks: one small interface, two implementations.

A runtime takes a module and example inputs and returns a callable. The example decides the number of inputs
and outputs; batch, height and width may differ from call to call. Callables may be shared by threads.
"""

import importlib.util
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from filelock import FileLock
from torch import Tensor, nn

from par_core.atomic import folder_aside, remove_partials
from par_core.ids import digest_of
from par_core.models.cached_texts import cache_folder
from par_core.models.openvino_library import cpu_settings, openvino_library

__all__ = [
    "Compiled",
    "OpenVinoRuntime",
    "Precision",
    "Runtime",
    "TorchRuntime",
    "has_openvino",
]

Compiled = Callable[..., tuple[Tensor, ...]]
Precision = Literal["fp32", "bf16"]


@runtime_checkable
class Runtime(Protocol):
    """Compiles networks.

    Attributes:
        name: Name of the runtime: ``torch`` or ``openvino``.
        precision: Precision of matrix products and convolutions: ``fp32`` or ``bf16``; inputs and outputs
            stay fp32.
        device: Device of the outputs, on which code between compiled parts should run.
    """

    name: str
    precision: Precision
    device: torch.device

    def compile(self, module: nn.Module, examples: tuple[Tensor, ...], key: str) -> Compiled:
        """Compile a module in evaluation mode whose outputs are a tuple of tensors.

        Args:
            module: Network to compile.
            examples: Typical inputs, of any batch, height and width.
            key: Name of the network and its weights; a runtime may cache the compiled network of a key.
        """
        ...


class TorchRuntime:
    """PyTorch, eager, on a CPU or a CUDA device."""

    name = "torch"

    def __init__(self, device: str = "cpu", precision: Precision = "fp32") -> None:
        self.device = torch.device(device)
        self.precision: Precision = precision

    def compile(self, module: nn.Module, examples: tuple[Tensor, ...], key: str) -> Compiled:
        """Move the module to the device; with the precision bf16 the weights become bf16 too, which is faster
        than autocast on CPUs.
        """
        kind = torch.bfloat16 if self.precision == "bf16" else torch.float32
        placed = module.to(self.device, kind).eval()

        def run(*inputs: Tensor) -> tuple[Tensor, ...]:
            # not inference_mode: with it, open_clip in bf16 is many times slower on CPUs
            with torch.no_grad():
                outputs = placed(*(tensor.to(self.device, kind) for tensor in inputs))
            return tuple(output.float() for output in _as_tuple(outputs))

        return run


class OpenVinoRuntime:
    """OpenVINO on the CPU, converted directly from the torch module; by default with one thread.

    Converting and compiling take seconds, so the result is cached in ``~/.cache/par/openvino`` (or under
    XDG_CACHE_HOME), which may be deleted at any time. Of processes that want the same network at once, one
    makes it and the others wait.
    """

    name = "openvino"
    device = torch.device("cpu")

    def __init__(self, precision: Precision = "fp32", threads: int = 1) -> None:
        self.precision: Precision = precision
        self._threads = threads

    def compile(self, module: nn.Module, examples: tuple[Tensor, ...], key: str) -> Compiled:
        """Convert and compile; each thread gets an inference request of its own."""
        ov = openvino_library()
        kept = cache_folder() / "openvino" / digest_of(key, ov.__version__, torch.__version__)
        kept.parent.mkdir(parents=True, exist_ok=True)
        settings = {**cpu_settings(self.precision, self._threads), "CACHE_DIR": str(kept)}
        with FileLock(kept.with_suffix(".lock")):
            if not (kept / "model.xml").is_file():
                _keep(ov, _converted(module, examples), kept)
            compiled = ov.Core().compile_model(kept / "model.xml", "CPU", settings)
        n_outputs = len(compiled.outputs)
        local = threading.local()

        def run(*inputs: Tensor) -> tuple[Tensor, ...]:
            if not hasattr(local, "request"):
                local.request = compiled.create_infer_request()
            local.request.infer([tensor.contiguous().numpy() for tensor in inputs], share_inputs=True)
            return tuple(
                torch.from_numpy(local.request.get_output_tensor(i).data.copy()) for i in range(n_outputs)
            )

        return run


def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def _keep(ov: Any, converted: Any, folder: Path) -> None:
    """Save a converted network, as a whole or not at all; the caller must hold the folder's lock."""
    remove_partials(folder.parent, of=folder.name)
    with folder_aside(folder) as made:
        ov.save_model(converted, made / "model.xml", compress_to_fp16=False)


def _converted(module: nn.Module, examples: tuple[Tensor, ...]) -> Any:
    """An OpenVINO model, by its PyTorch front end itself, without the conversion tool around it."""
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.trace", category=FutureWarning)
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # type: ignore[attr-defined]
        decoder = TorchScriptPythonDecoder(_Tupled(module.eval()), example_input=examples)
        front_end = FrontEndManager().load_by_framework("pytorch")
        return front_end.convert(front_end.load(decoder))


class _Tupled(nn.Module):
    """Gives a module's outputs as a plain tuple, which converters need."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return _as_tuple(self.module(*inputs))


def _as_tuple(outputs: Tensor | tuple[Tensor, ...] | list[Tensor]) -> tuple[Tensor, ...]:
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
