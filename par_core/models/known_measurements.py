"""What is known of the shipped networks without measuring on this machine.

The distance of the outputs in bf16 follows from the weights; that bf16 is faster, from the processor having
it. Distances are those of the shipped weights, measured on an Intel Xeon with AMX; times are of the same
layers on an AMD EPYC of Zen 4, with one thread. There the describer took 31, 32, 27, 26 and 27 ms of CPU time
for a person in batches of 1, 2, 4, 8 and 16. So a new machine does not measure, which took 17 of 30 CPU
seconds of a first run (benchmarks/results/start.json), and machines choose alike, busy ones too. Networks and
settings that are not listed are measured.

``int8`` was measured with the instructions of AVX-512 with VNNI alone (benchmarks/results/int8.json): faster
on every processor that has them.
"""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["KNOWN"]

#: Measurements by key, as ``measuring`` keeps them.
KNOWN: Final[Mapping[str, Mapping[str, Any]]] = {
    "batch/cpu/openvino/86222d33b6eb4dd6": {"batch": 4},
    "int8/openvino/cpu/72b56b2e211eca09/features": {"deviation": 0.0123, "fp32_s": 0.3424, "int8_s": 0.2239},
    "precision/openvino/cpu/86222d33b6eb4dd6": {"deviation": 0.038, "fp32_s": 0.16546, "bf16_s": 0.05524},
    "precision/openvino/cpu/72b56b2e211eca09/boxes": {
        "deviation": 0.0051,
        "fp32_s": 0.00121,
        "bf16_s": 0.00112,
    },
    "precision/openvino/cpu/72b56b2e211eca09/features": {
        "deviation": 0.021,
        "fp32_s": 0.23692,
        "bf16_s": 0.12804,
    },
    "precision/openvino/cpu/72b56b2e211eca09/masks": {
        "deviation": 0.0028,
        "fp32_s": 0.02716,
        "bf16_s": 0.02169,
    },
}
