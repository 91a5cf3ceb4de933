"""The best precision and batch size of a network on this machine: known of the shipped networks, of others
measured once and kept in the cache.

bf16 is used if it is faster, int8 where it is demanded, and both only if the outputs stay near those of fp32,
so that stores filled on different machines agree and the precision need not be part of a fingerprint. A
network whose outputs move further is computed in fp32; a configuration that demands another precision for it
is refused.
"""

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from filelock import FileLock

from par_core.atomic import remove_partials, write_atomic
from par_core.errors import BadConfigError
from par_core.ids import digest_of
from par_core.models.hardware import processor_name
from par_core.models.int8 import Quantisable
from par_core.models.known_measurements import KNOWN
from par_core.models.runtimes import Arrays, Compiled, Precision, Runtime, cache_folder
from par_core.version import installed_versions

__all__ = ["TOLERANCE", "MeasuringRuntime", "measured_batch"]

#: Largest distance of a network's outputs from those in fp32, as a share of their length (relative L2 norm),
# for which bf16 and int8 may be used.
TOLERANCE: Final = 0.05
_TRIES: Final = 3
# raised by hand when measurements change: those that are kept are not used then
_FORM: Final = "2"
_BATCHES: Final = {"cpu": (1, 2, 4, 8, 16), "cuda": (1, 4, 16, 64, 256)}
_GOOD_ENOUGH: Final = 1.05  # a smaller batch whose time an item is within five per cent of the best is taken
# a batch that takes longer gains nothing more: the overhead of a call is a thousandth of that
_LONG_S: Final = 0.5


class MeasuringRuntime:
    """Compiles each network in the faster precision that stays within the tolerance.

    Args:
        make: Function that returns the runtime of a precision.
        allowed: Precisions to choose from: ``fp32``, unless the user demands another, and at most one other.
            Networks without layers in 8 bits are computed in fp32 where that is ``int8``.
    """

    def __init__(self, make: Callable[[Precision], Runtime], allowed: Sequence[Precision]) -> None:
        self._make, self._allowed = make, tuple(allowed)
        plain = make("fp32")
        self.name, self.device = plain.name, plain.device
        self.precision: Precision = "bf16" if self._allowed == ("bf16",) else "fp32"

    def compile(self, network: Any, examples: Arrays, key: str) -> Compiled:
        """Compile in the best precision, which is measured now if it is not in the cache; the examples must
        be typical inputs.

        Raises:
            BadConfigError: Only another precision is allowed, and it moves the outputs too far.
        """
        other = self._other(network)
        if other is None:
            return self._make("fp32").compile(network, examples, key)
        kind = "precision" if other == "bf16" else other
        measured = _kept(
            f"{kind}/{self.name}/{self.device}/{key}", lambda: self._measure(other, network, examples, key)
        )
        near = measured["deviation"] <= TOLERANCE
        if "fp32" not in self._allowed and not near:
            raise BadConfigError(
                f"machine.precision {other} moves the outputs of this model by"
                f" {measured['deviation']:.1%} (at most {TOLERANCE:.0%} are allowed); use fp32 or auto"
            )
        if near and ("fp32" not in self._allowed or measured[f"{other}_s"] < measured["fp32_s"]):
            self.precision = other
            return self._make(other).compile(network, examples, key)
        return self._make("fp32").compile(network, examples, key)

    def _other(self, network: Any) -> Precision | None:
        """The precision beside fp32 that may be used for a network."""
        other = next((each for each in self._allowed if each != "fp32"), None)
        if other == "int8" and not (isinstance(network, Quantisable) and network.ranges):
            return None
        return other

    def _measure(self, other: Precision, network: Any, examples: Arrays, key: str) -> dict[str, Any]:
        outputs, seconds = {}, {}
        precisions: tuple[Precision, ...] = ("fp32", other)
        for precision in precisions:
            run = self._make(precision).compile(copy.deepcopy(network), examples, key)
            outputs[precision] = run(*examples)
            seconds[precision] = _fastest(lambda run=run: run(*examples), self.device)  # type: ignore[misc]
        pairs = zip(outputs["fp32"], outputs[other], strict=True)
        deviation = max(float(np.linalg.norm(a - b) / max(float(np.linalg.norm(a)), 1e-12)) for a, b in pairs)
        return {"deviation": deviation, "fp32_s": seconds["fp32"], f"{other}_s": seconds[other]}


def measured_batch(run: Compiled, example: np.ndarray, device: str, key: str) -> int:
    """Return the smallest batch size that needs about as little time per item as the best one; batches of
    more than half a second are not tried.

    Args:
        run: Compiled network of one input.
        example: Typical item, (1, ...).
        device: Device that computes it.
        key: Name of network and weights.
    """

    def measure() -> dict[str, Any]:
        seconds_an_item: dict[int, float] = {}
        for size in _BATCHES[device]:
            items = np.repeat(example, size, axis=0)
            try:
                seconds = _fastest(lambda items=items: run(items), device)  # type: ignore[misc]
            except (RuntimeError, MemoryError):  # out of memory, which smaller batches did not run into
                if not seconds_an_item:
                    raise
                break
            seconds_an_item[size] = seconds / size
            if seconds > _LONG_S:
                break
        best = min(seconds_an_item.values())
        good = [size for size, seconds in seconds_an_item.items() if seconds <= best * _GOOD_ENOUGH]
        return {"batch": min(good), "seconds_an_item": seconds_an_item}

    return int(_kept(f"batch/{device}/{key}", measure)["batch"])


def _kept(key: str, measure: Callable[[], dict[str, Any]]) -> Mapping[str, Any]:
    """The measurement of a key that is known, else that of this machine with these versions; of several
    processes at once, one measures and the others wait.
    """
    if key in KNOWN:
        return KNOWN[key]
    libraries = installed_versions(("openvino", "torch"))
    file = (
        cache_folder() / "measured" / f"{digest_of(key, processor_name(), *libraries.values(), _FORM)}.json"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        if not file.is_file():
            remove_partials(file.parent, of=file.name)
            content = {"key": key, "processor": processor_name(), **measure()}
            write_atomic(file, (json.dumps(content, indent=1) + "\n").encode())
        kept: dict[str, Any] = json.loads(file.read_text())
    return kept


def _fastest(run: Callable[[], object], device: str) -> float:
    """Seconds of the quickest of a few calls, after one to warm up; on a CPU those of this process, since by
    the clock a machine that is busy would take the slower precision, and keep to it.
    """
    clock, taken = time.process_time if device == "cpu" else time.perf_counter, []
    for _ in range(_TRIES + 1):
        started = clock()
        run()
        taken.append(clock() - started)
    return min(taken[1:])
