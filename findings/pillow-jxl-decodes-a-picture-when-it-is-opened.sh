#!/usr/bin/env bash
# Image.open reads a header, so that programs look at the size of a picture before they spend memory on it. The
# plugin for JPEG XL decodes the whole picture in Image.open: a limit on pixels that is checked afterwards comes too
# late, and opening costs what loading costs. The size has to be read from the file's own header first.
# Seen 2026-11-30 with pillow-jxl-plugin 1.3.8 and Pillow 13.0.0, Python 3.11: opening takes more than half of the time
# of opening and loading together, for a PNG of the same picture less than a tenth. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0 pillow-jxl-plugin==1.3.8 numpy==2.4.6
cat > "$work/measure.py" <<'PY'
import io
import sys
import time

import numpy as np
import pillow_jxl  # registers the format
from PIL import Image

ramp = np.add.outer(np.arange(1500), np.arange(1500)) % 256
picture = Image.fromarray(np.stack([ramp] * 3, axis=2).astype(np.uint8))
shares = {}
for form in ("PNG", "JXL"):
    file = io.BytesIO()
    picture.save(file, form)
    opening = loading = 0.0
    for _ in range(5):
        begun = time.process_time()
        opened = Image.open(io.BytesIO(file.getvalue()))
        between = time.process_time()
        opened.load()
        opening, loading = opening + between - begun, loading + time.process_time() - between
    shares[form] = opening / (opening + loading)
    print(f"{form}: {shares[form]:.0%} of the CPU time of opening and loading goes into Image.open")
sys.exit(not (shares["JXL"] > 0.5 and shares["PNG"] < 0.1))
PY
"$work/venv/bin/python" "$work/measure.py"
