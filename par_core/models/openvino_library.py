"""OpenVINO as PAR uses it: without telemetry, on the CPU, with the same settings everywhere."""

import contextlib
import sys
import threading
from typing import Any

from par_core.errors import BadConfigError
from par_core.module_stand_ins import standing_in

__all__ = ["cpu_settings", "openvino_library"]

_lock = threading.Lock()


def openvino_library() -> Any:
    """Return OpenVINO without its telemetry, which would report every import from a forked process, and
    without its converter, a third of the time of its import.

    Raises:
        BadConfigError: OpenVINO is not installed.
    """
    modules: dict[str, Any] = sys.modules
    with _lock, contextlib.ExitStack() as blocked:
        is_first = "openvino" not in modules
        if is_first:
            modules.setdefault("openvino_telemetry", None)  # cannot be imported, as if it were not installed
            blocked.enter_context(standing_in("openvino.tools.ovc", None))  # OpenVINO goes on without it
        try:
            import openvino
        except ImportError as error:
            raise BadConfigError("this needs OpenVINO: pip install openvino") from error
        if is_first:
            openvino.convert_model = _convert_model
    return openvino


def _convert_model(*arguments: Any, **named: Any) -> Any:
    """OpenVINO's ``convert_model``, imported when a program that uses OpenVINO beside PAR calls it."""
    from openvino.tools.ovc import convert_model

    return convert_model(*arguments, **named)


def cpu_settings(precision: str, threads: int) -> dict[str, Any]:
    """Return the settings with which a network is compiled.

    Args:
        precision: ``bf16`` or ``fp32``; ``int8``, whose other layers are computed in fp32.
        threads: Number of threads of one call.
    """
    return {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # pinned, the first threads of all worker processes would share the first core
        "ENABLE_CPU_PINNING": False,
    }
