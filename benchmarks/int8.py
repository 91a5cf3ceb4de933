r"""How long the segmenter's features take in fp32, bf16 and int8, and how far each moves them.

    python benchmarks/int8.py --data ../shared/data > benchmarks/results/int8.json

Photographs that choose (none was calibrated on). The precisions take turns, photograph by photograph and
round by round, in one process with one thread; a photograph counts with its quickest round, since others use
the machine. Processors with fewer instructions are imitated by ``ONEDNN_MAX_CPU_ISA`` in processes of their
own: they show the order of the precisions on processors without AMX, not the times of those processors.
``int8 and bf16`` is int8 with the other layers in bf16.

``scores`` compares what ``make scores-int8`` evaluated in fp32 and in int8, where it did.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from machine import provenance

from par_core.datasets.outlines import read_picture
from par_core.models.hardware import cpu_computes_bf16
from par_core.models.openvino_library import cpu_settings, openvino_library
from par_core.models.segmenter_input import prepare
from par_core.models.segmenter_settings import COMPACT_SETTINGS
from par_core.models.shipped import FILES
from par_core.models.shipped_networks import shipped_network
from par_core.training.segmentation_data import split_photos

RESULTS: Final = Path(__file__).parent / "results"
#: Whether layers are quantised, and the precision of the others.
PRECISIONS: Final = {
    "fp32": (False, "fp32"),
    "bf16": (False, "bf16"),
    "int8": (True, "fp32"),
    "int8 and bf16": (True, "bf16"),
}
#: Instructions of the imitated processors; the first is this one.
INSTRUCTIONS: Final = {
    "this processor": "",
    "AVX-512 with VNNI": "AVX512_CORE_VNNI",
}
FIGURES: Final = {
    "segmentation": ("mask_ap50", "mask_ap75", "mask_ap", "precision", "recall"),
    "attributes": ("mean_auc", "mA"),
    "retrieval": ("mean_ap_over_prevalence", "mean_ap_over_prevalence_by_text_alone"),
}


def measured(data_dir: Path, photos: int, rounds: int) -> dict[str, Any]:
    """Time and distance of each precision with the instructions that this process may use."""
    network, core = shipped_network("segmenter-compact.features", FILES[0]), openvino_library().Core()
    choose = split_photos(data_dir).choose
    listed = [photo for source in ("pennfudan", "coco") for photo in choose[source]][:photos]
    pictures = [prepare(read_picture(photo.image), COMPACT_SETTINGS).pixels[None] for photo in listed]
    requests = {}
    native = cpu_computes_bf16() and "ONEDNN_MAX_CPU_ISA" not in os.environ
    for name, (quantised, others) in PRECISIONS.items():
        if others == "bf16" and not native:
            continue
        model = network.quantised() if quantised else network()
        requests[name] = core.compile_model(model, "CPU", cpu_settings(others, 1)).create_infer_request()
    outputs = {
        name: [outputs_of(request, picture) for picture in pictures] for name, request in requests.items()
    }
    cpu, wall = ({name: np.full((rounds, len(pictures)), np.inf) for name in requests} for _ in range(2))
    for turn in range(rounds):
        for i, picture in enumerate(pictures):
            for name, request in requests.items():
                started = time.process_time(), time.perf_counter()
                request.infer([picture], share_inputs=True)
                cpu[name][turn, i] = time.process_time() - started[0]
                wall[name][turn, i] = time.perf_counter() - started[1]
    return {
        name: {
            "cpu_ms": round(float(cpu[name].min(axis=0).mean()) * 1e3, 1),
            "wall_ms": round(float(wall[name].min(axis=0).mean()) * 1e3, 1),
            "farthest_output": round(farthest(outputs[name], outputs["fp32"]), 4),
        }
        for name in requests
    }


def outputs_of(request: Any, picture: np.ndarray) -> list[np.ndarray]:
    """Copies of all outputs."""
    request.infer([picture], share_inputs=True)
    return [tensor.data.copy() for tensor in request.output_tensors]


def farthest(outputs: list[list[np.ndarray]], plain: list[list[np.ndarray]]) -> float:
    """The largest distance of an output from fp32, as a share of its length."""
    return max(
        float(np.linalg.norm(a - b) / np.linalg.norm(b))
        for ours, theirs in zip(outputs, plain, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )


def scores() -> dict[str, dict[str, float]]:
    """The figures of the evaluations in fp32 and int8, and how much int8 loses."""
    compared = {}
    for file in sorted(RESULTS.glob("fp32-*.json")):
        task = file.stem.split("-")[1]
        other = file.with_name(file.name.replace("fp32-", "int8-", 1))
        if task not in FIGURES or not other.exists():
            continue
        plain, quantised = (json.loads(each.read_text()) for each in (file, other))
        for figure in FIGURES[task]:
            if figure in plain:
                compared[f"{file.stem.removeprefix('fp32-')} {figure}"] = {
                    "fp32": round(plain[figure], 4),
                    "int8": round(quantised[figure], 4),
                    "lost": round(plain[figure] - quantised[figure], 4),
                }
    return compared


def main() -> None:
    """Measure, and print one JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    parser.add_argument("--photos", type=int, default=8, help="number of photographs")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each precision")
    parser.add_argument("--here", action="store_true", help="measure in this process only")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measured(options.data, options.photos, options.rounds)))
        return
    times = {}
    for name, instructions in INSTRUCTIONS.items():
        environment = os.environ | ({"ONEDNN_MAX_CPU_ISA": instructions} if instructions else {})
        child = [sys.executable, "-P", __file__, "--here", "--data", str(options.data)]
        child += ["--photos", str(options.photos), "--rounds", str(options.rounds)]
        environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]])
        printed = subprocess.run(child, env=environment, check=True, capture_output=True, text=True).stdout
        times[name] = json.loads(printed.splitlines()[-1])
    result = {"about": provenance(0), "photographs": options.photos, "rounds": options.rounds}
    print(json.dumps(result | {"features": times, "scores": scores()}, indent=1))


if __name__ == "__main__":
    main()
