"""Runtimes, which compute networks: one small interface, two implementations (``torch_runtime`` is the
other).

A runtime takes a network and example inputs and returns a callable from arrays to arrays. The example decides
the number of inputs and outputs; batch, height and width may differ from call to call. Callables may be
shared by threads.
"""

import importlib.util
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np
from filelock import FileLock
from jaxtyping import Float32, UInt16

from par_core.atomic import remove_partials, write_atomic
from par_core.ids import digest_of
from par_core.models.hardware import processor_name
from par_core.models.openvino_library import cpu_settings, openvino_library
from par_core.models.own_biases import give_own_biases

__all__ = [
    "AS_COMPUTED",
    "Arrays",
    "Compiled",
    "OpenVinoNetwork",
    "OpenVinoRuntime",
    "Precision",
    "Runtime",
    "cache_folder",
    "has_openvino",
    "widened",
]

Arrays = tuple[np.ndarray, ...]
Compiled = Callable[..., Arrays]
Precision = Literal["fp32", "bf16", "int8"]

#: Prefix of the names of outputs that may stay in the precision in which OpenVINO computes them.
AS_COMPUTED: Final = "as-computed:"

# raised by hand when a model is put together in another way from the same weights: what was compiled of it
# before is not used
_FORM: Final = 2


@runtime_checkable
class Runtime(Protocol):
    """Compiles networks.

    Attributes:
        name: Name of the runtime: ``torch`` or ``openvino``.
        precision: Precision of matrix products and convolutions: ``fp32``, ``bf16``, or ``int8`` for those
            that may be computed with 8 bits; inputs and outputs stay fp32.
        device: Device that computes, such as ``cpu`` or ``cuda``.
    """

    name: str
    precision: Precision
    device: str

    def compile(self, network: Any, examples: Arrays, key: str) -> Compiled:
        """Compile a network.

        Args:
            network: Network of the kind that the runtime computes.
            examples: Typical inputs, of any batch, height and width.
            key: Name of the network and its weights; a runtime may cache the compiled network of a key.
        """
        ...


class OpenVinoRuntime:
    """OpenVINO on the CPU; by default with one thread. A network is a function that returns a model; in
    ``int8`` a ``Quantisable``.

    Making and compiling a model takes seconds, so the result is cached in ``~/.cache/par/openvino`` (or under
    XDG_CACHE_HOME), which may be deleted at any time. Of processes that want the same network at once, one
    makes it and the others wait.
    """

    name = "openvino"
    device = "cpu"

    def __init__(self, precision: Precision = "fp32", threads: int = 1) -> None:
        self.precision: Precision = precision
        self._threads = threads

    def compile(self, network: Any, examples: Arrays, key: str) -> "OpenVinoNetwork":
        """Compile, or load what was compiled before; each thread gets an inference request of its own."""
        return OpenVinoNetwork(self._compiled(network, key))

    def _compiled(self, network: Any, key: str) -> Any:
        ov = openvino_library()
        core, settings = ov.Core(), cpu_settings(self.precision, self._threads)
        ranges = repr(sorted(network.ranges.items())) if self.precision == "int8" else ""
        about = (ov.__version__, processor_name(), repr(sorted(settings.items())), ranges, str(_FORM))
        name = digest_of(key, *about)
        kept = cache_folder() / "openvino" / f"{name}.blob"
        kept.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(kept.with_suffix(".lock")):
            if kept.is_file():
                try:
                    return core.import_model(kept.read_bytes(), "CPU", settings)
                except RuntimeError:  # damaged: made again below
                    kept.unlink()
            remove_partials(kept.parent, of=kept.name)
            model = network.quantised() if self.precision == "int8" else network()
            give_own_biases(model)
            if self.precision == "bf16":
                model = _as_computed(model)
            compiled = core.compile_model(model, "CPU", settings)
            write_atomic(kept, compiled.export_model().getvalue())
            return compiled


class OpenVinoNetwork:
    """A compiled network; each thread has an inference request of its own.

    Args:
        compiled: OpenVINO's compiled model.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled, self._n_outputs = compiled, len(compiled.outputs)
        self._local = threading.local()

    def __call__(self, *inputs: np.ndarray) -> Arrays:
        """Compute from arrays to arrays of the caller's own."""
        return tuple(
            widened(output) if output.dtype == np.uint16 else output.copy()
            for output in self.in_place(*inputs)
        )

    def in_place(self, *inputs: np.ndarray) -> Arrays:
        """Compute as a call does, without copies: the outputs hold until the next call in this thread. Those
        whose names begin with ``AS_COMPUTED`` are 16-bit integers, the bits of bf16, where that is computed.
        """
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        request = self._local.request
        request.infer([np.ascontiguousarray(array) for array in inputs], share_inputs=True)
        outputs = (request.get_output_tensor(i).data for i in range(self._n_outputs))
        # OpenVINO's arrays of bf16 say that they are fp16
        return tuple(output.view(np.uint16) if output.itemsize == 2 else output for output in outputs)


def widened(bits: UInt16[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Return numbers of bf16, given as 16-bit integers, in fp32."""
    wide = bits.astype(np.uint32)
    wide <<= 16
    return wide.view(np.float32)


def _as_computed(model: Any) -> Any:
    """The model with those outputs in bf16 that may be."""
    ov = openvino_library()
    from openvino.preprocess import PrePostProcessor

    outputs = PrePostProcessor(model)
    for number, output in enumerate(model.outputs):
        if any(name.startswith(AS_COMPUTED) for name in output.get_names()):
            outputs.output(number).tensor().set_element_type(ov.Type.bf16)
    return outputs.build()


def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def cache_folder() -> Path:
    """Return the folder of files that PAR can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "par"
