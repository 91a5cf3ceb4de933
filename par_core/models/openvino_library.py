"""OpenVINO as PAR uses it: without telemetry, on the CPU, with the same settings everywhere."""

import sys
from typing import Any

from par_core.errors import BadConfigError

__all__ = ["cpu_settings", "openvino_library"]


def openvino_library() -> Any:
    """Return OpenVINO without its telemetry, which would report every import from a forked process.

    Raises:
        BadConfigError: OpenVINO is not installed.
    """
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)  # makes importing it fail, as if it were not installed
    try:
        import openvino
    except ImportError as error:
        raise BadConfigError("this needs OpenVINO: pip install openvino") from error
    return openvino


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
