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
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from filelock import FileLock

from par_core.atomic import remove_partials, write_atomic
from par_core.ids import digest_of
from par_core.models.hardware import processor_name
from par_core.models.openvino_library import cpu_settings, openvino_library

__all__ = [
    "Arrays",
    "Compiled",
    "OpenVinoRuntime",
    "Precision",
    "Runtime",
    "cache_folder",
    "has_openvino",
]

Arrays = tuple[np.ndarray, ...]
Compiled = Callable[..., Arrays]
Precision = Literal["fp32", "bf16", "int8"]


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

    def compile(self, network: Any, examples: Arrays, key: str) -> Compiled:
        """Compile, or load what was compiled before; each thread gets an inference request of its own."""
        compiled = self._compiled(network, key)
        n_outputs = len(compiled.outputs)
        local = threading.local()

        def run(*inputs: np.ndarray) -> Arrays:
            if not hasattr(local, "request"):
                local.request = compiled.create_infer_request()
            local.request.infer([np.ascontiguousarray(array) for array in inputs], share_inputs=True)
            return tuple(local.request.get_output_tensor(i).data.copy() for i in range(n_outputs))

        return run

    def _compiled(self, network: Any, key: str) -> Any:
        ov = openvino_library()
        core, settings = ov.Core(), cpu_settings(self.precision, self._threads)
        ranges = repr(sorted(network.ranges.items())) if self.precision == "int8" else ""
        name = digest_of(key, ov.__version__, processor_name(), repr(sorted(settings.items())), ranges)
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
            compiled = core.compile_model(model, "CPU", settings)
            write_atomic(kept, compiled.export_model().getvalue())
            return compiled


def has_openvino() -> bool:
    """Whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def cache_folder() -> Path:
    """Return the folder of files that PAR can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "par"
