#!/usr/bin/env bash
# A TIFF may hold red, green and blue in planes of their own (PlanarConfiguration 2), as GDAL and programs of science write
# them. Of 8 bits a channel Pillow and OpenCV read it. Of 16 bits both give a picture of the right size without an error,
# whose pixels are others: OpenCV in any compression, Pillow where the planes are not compressed.
# Seen 2026-11-30 with Pillow 13.0.0, opencv-python-headless 5.0.0.93, NumPy 2.4.6 and tifffile 2026.3.3, which writes
# the files and reads them rightly. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6 pillow==13.0.0 tifffile==2026.3.3
cat > "$work/read.py" <<'PY'
import io
import sys

import cv2
import numpy as np
import tifffile
from PIL import Image

ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
colours = np.stack([ramp, ramp[:, ::-1], np.full_like(ramp, 128)], axis=2)
right = {}
for bits, compression in ((8, None), (8, "zlib"), (16, None), (16, "zlib")):
    values = colours if bits == 8 else colours.astype(np.uint16) * 257
    file = io.BytesIO()
    tifffile.imwrite(
        file, np.moveaxis(values, 2, 0), photometric="rgb", planarconfig="separate", compression=compression
    )
    content = file.getvalue()
    read = {
        "tifffile": np.moveaxis(tifffile.imread(io.BytesIO(content)), 0, 2),
        "Pillow": np.asarray(Image.open(io.BytesIO(content)).convert("RGB")),
        "OpenCV": cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1],
    }
    for name, pixels in read.items():
        eight = pixels if pixels.dtype == np.uint8 else (pixels / 257).round()
        error = np.abs(eight.astype(float) - colours)
        right[bits, compression, name] = bool(error.max() <= 1)
        print(f"{bits} bits, {compression or 'not compressed'}, {name}: {pixels.dtype}, error {error.mean():.0f} of 255")
wrong = {key for key, fits in right.items() if not fits}
sys.exit(wrong != {(16, None, "Pillow"), (16, None, "OpenCV"), (16, "zlib", "OpenCV")})
PY
"$work/venv/bin/python" "$work/read.py"
