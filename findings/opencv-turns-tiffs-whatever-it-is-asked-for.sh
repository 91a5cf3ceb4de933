#!/usr/bin/env bash
# OpenCV's reader turns a picture by its EXIF orientation unless IMREAD_IGNORE_ORIENTATION or IMREAD_UNCHANGED is given, so its
# documentation. A JPEG obeys; a TIFF with the tag is turned under every flag, so that a program which reads the tag
# itself turns it a second time.
# Seen 2026-11-30 with opencv-python-headless 5.0.0.93, NumPy 2.4.6 and Pillow 13.0.0. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6 pillow==13.0.0
cat > "$work/turn.py" <<'PY'
import io
import sys

import cv2
import numpy as np
from PIL import Image

FLAGS = {
    "IMREAD_COLOR": cv2.IMREAD_COLOR,
    "IMREAD_COLOR | IMREAD_IGNORE_ORIENTATION": cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    "IMREAD_UNCHANGED": cv2.IMREAD_UNCHANGED,
}
turned = {}
for form in ("JPEG", "TIFF"):
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (96, 48)).save(file, form, exif=exif)
    for name, flags in FLAGS.items():
        height, width = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), flags).shape[:2]
        turned[form, name] = height > width
        print(f"{form} of 96 x 48, orientation 6, {name}: {width} x {height}")
sys.exit(list(turned.values()) != [True, False, False, True, True, True])
PY
"$work/venv/bin/python" "$work/turn.py"
