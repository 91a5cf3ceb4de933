#!/usr/bin/env bash
# A whole progressive JPEG is reported as broken where memory runs out while it is decoded. Pillow allocates the
# pixels first, and raises MemoryError where that fails; but libjpeg needs as much again for the coefficients of a
# progressive picture, and its failure to get it comes back as OSError "broken data stream", as for a damaged file.
# An indexer that marks such files as damaged so loses good pictures for good whenever a node is short of memory.
# Seen 2026-11-29 with Pillow 13.0.0, Python 3.11, Linux: the same bytes give MemoryError, then OSError, then a picture,
# as the limit of the address space rises. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6
cat > "$work/decode.py" <<'PY'
import io
import resource
import sys
from pathlib import Path

import numpy as np
from PIL import Image

file = io.BytesIO()
noise = np.random.default_rng(0).integers(0, 255, (6000, 6000, 3), np.uint8)
Image.fromarray(noise).save(file, "JPEG", progressive=True, quality=80)
del noise
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
outcomes = []
for megabytes in range(40, 640, 20):
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20, resource.RLIM_INFINITY))
    try:
        with Image.open(io.BytesIO(file.getvalue())) as picture:
            picture.load()
        outcome = "decoded"
    except (MemoryError, OSError) as error:
        outcome = f"{type(error).__name__}: {error}".strip(": ")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if outcome not in outcomes:
        outcomes.append(outcome)
        print(f"with {megabytes} MB: {outcome}")
expected = ["MemoryError", "OSError: broken data stream when reading image file", "decoded"]
sys.exit(outcomes != expected)
PY
"$work/venv/bin/python" "$work/decode.py"
