"""The processor and CUDA devices of this machine, detected without loading a library."""

from pathlib import Path

__all__ = ["cpu_computes_bf16", "cpu_computes_int8", "cuda_devices", "has_cuda_device", "processor_name"]


def cpu_computes_bf16() -> bool:
    """Whether the processor multiplies bf16 natively (AVX512-BF16 or AMX), as far as Linux states it."""
    return bool({"avx512_bf16", "amx_bf16"} & _flags())


def cpu_computes_int8() -> bool:
    """Whether the processor multiplies 8-bit integers natively (AVX512-VNNI), as far as Linux states it;
    processors with AMX do so too.
    """
    return "avx512_vnni" in _flags()


def has_cuda_device() -> bool:
    """Whether the driver offers an NVIDIA device; torch has the last word when it loads a model."""
    return cuda_devices() > 0


def cuda_devices() -> int:
    """Number of NVIDIA devices that the driver offers."""
    return sum(path.name.removeprefix("nvidia").isdigit() for path in Path("/dev").glob("nvidia[0-9]*"))


def processor_name() -> str:
    """Model of the processor as Linux states it, and whether it computes bf16; empty on other systems."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "") + (
        "+bf16" if cpu_computes_bf16() else ""
    )


def _flags() -> frozenset[str]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return frozenset(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), ()))
