"""The machine and the versions of a measurement, for every result."""

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from par_core.version import installed_versions

PACKAGES = (
    "torch",
    "torchvision",
    "openvino",
    "open_clip_torch",
    "timm",
    "lancedb",
    "pyarrow",
    "prefect",
    "dask",
    "numpy",
)


def provenance(seed: int) -> dict[str, Any]:
    """Date, commit, machine, versions, seed and command."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or None,
        "machine": {
            "processor": names[0] if names else platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "load_before": os.getloadavg()[0],
        },
        "versions": {"python": platform.python_version(), **installed_versions(PACKAGES)},
        "seed": seed,
        "command": shlex.join(sys.argv),
    }
