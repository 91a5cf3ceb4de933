"""Which runtime, device and precision a configuration means on this machine. Loads torch only where it is
used: for the runtime ``torch``, and where the driver offers a CUDA device.
"""

from typing import Literal

from par_core.errors import BadConfigError
from par_core.models.hardware import cpu_computes_bf16, cpu_computes_int8, has_cuda_device
from par_core.models.measuring import MeasuringRuntime
from par_core.models.runtimes import OpenVinoRuntime, Precision, Runtime, has_openvino
from par_core.models.torch_extra import has_torch, require_torch

__all__ = ["choose_runtime"]


def choose_runtime(
    name: Literal["auto", "torch", "openvino"],
    device: Literal["auto", "cpu", "cuda"],
    precision: Literal["auto", "fp32", "bf16", "int8"],
    *,
    threads: int,
    cuda_memory_share: float | None = None,
) -> Runtime:
    """Choose the runtime of a configuration.

    Args:
        name: Name of the runtime; ``auto`` takes torch on a CUDA device, else OpenVINO if it is installed,
            else torch.
        device: Device; ``auto`` takes CUDA if there is one and torch is installed.
        precision: Precision; ``auto`` measures bf16 beside fp32 where the device has it. ``int8`` is never
            chosen: it costs more of a held-out figure than PAR allows (docs/decisions/0023).
        threads: Number of threads of one process.
        cuda_memory_share: Share (0, 1] of the CUDA device's memory that this process may take; None: all.

    Raises:
        BadConfigError: This machine lacks the runtime, device or precision.
    """
    on_cuda = _on_cuda(device)
    if on_cuda and name == "openvino":
        raise BadConfigError(
            "machine.runtime openvino computes on the CPU only; use --device cpu, or --runtime torch"
        )
    if name == "openvino" and not has_openvino():
        raise BadConfigError(
            "machine.runtime is openvino, which is not installed; pip install openvino, or use --runtime"
            " torch"
        )
    if not on_cuda and name != "torch" and has_openvino():
        allowed = _allowed(precision, _of_openvino(), where="processor")
        return MeasuringRuntime(lambda kind: OpenVinoRuntime(kind, threads), allowed)
    if precision == "int8":
        raise BadConfigError(
            "machine.precision int8 is computed by OpenVINO on the CPU alone; use --device cpu and"
            " machine.runtime openvino, or precision auto"
        )
    require_torch("machine.runtime torch" if name == "torch" else "a machine without OpenVINO")
    import torch

    from par_core.models.torch_runtime import TorchRuntime

    if on_cuda:
        if cuda_memory_share is not None:
            torch.cuda.set_per_process_memory_fraction(cuda_memory_share)
        allowed = _allowed(precision, _bf16(torch.cuda.is_bf16_supported()), where="CUDA device")
        return MeasuringRuntime(lambda kind: TorchRuntime("cuda", kind), allowed)
    torch.set_num_threads(threads)
    allowed = _allowed(precision, _bf16(cpu_computes_bf16()), where="processor")
    return MeasuringRuntime(lambda kind: TorchRuntime("cpu", kind), allowed)


def _on_cuda(device: Literal["auto", "cpu", "cuda"]) -> bool:
    if device == "cpu" or (device == "auto" and not (has_cuda_device() and has_torch())):
        return False
    require_torch("machine.device cuda")
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise BadConfigError("machine.device is cuda, but torch sees no CUDA device; use --device cpu")
    return available


def _bf16(native: bool) -> tuple[Precision, ...]:
    return ("bf16",) if native else ()


def _of_openvino() -> tuple[Precision, ...]:
    """Precisions beside fp32 that this processor computes with OpenVINO."""
    return (*_bf16(cpu_computes_bf16()), *(("int8",) if cpu_computes_int8() else ()))


def _allowed(
    precision: Literal["auto", "fp32", "bf16", "int8"], others: tuple[Precision, ...], *, where: str
) -> tuple[Precision, ...]:
    """The precisions to choose from; ``others`` are those beside fp32 that can be computed."""
    if precision in ("bf16", "int8") and precision not in others:
        raise BadConfigError(
            f"machine.precision is {precision}, which this {where} does not compute; use fp32 or auto"
        )
    return (precision,) if precision != "auto" else ("fp32", *(each for each in others if each == "bf16"))
