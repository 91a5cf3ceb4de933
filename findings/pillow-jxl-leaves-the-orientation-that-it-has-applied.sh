#!/usr/bin/env bash
# A JPEG XL has its orientation in the codestream, and decoders apply it (ISO/IEC 18181-1); EXIF in a box beside it often
# repeats the tag, which readers must then ignore (18181-2). pillow-jxl-plugin gives the turned pixels and leaves the tag:
# ImageOps.exif_transpose, which is right for JPEG, turns such a picture a second time. pillow-heif sets the tag to 1.
# The codestream is what cjxl 0.7 writes of a JPEG of 96 x 48 pixels, blue on the left, with orientation 6.
# Seen 2026-11-30 with pillow-jxl-plugin 1.3.8, pillow-heif 1.8.1 and Pillow 13.0.0. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0 pillow-jxl-plugin==1.3.8 pillow-heif==1.8.1
cat > "$work/turn.py" <<'PY'
import io
import sys

import pillow_heif
import pillow_jxl  # registers the format
from PIL import Image, ImageOps

CODESTREAM = bytes.fromhex(
    "ff0acb2d10505c1208020100c8004b2835c63eac120a262042fdf1638c1fe37abf40100000f3b3a37a94589623013a510ad0"
    "4270054c482a912ab06e006c3b01"
)


def box(kind, content):
    return (8 + len(content)).to_bytes(4, "big") + kind + content


exif = Image.Exif()
exif[0x0112] = 6
jxl = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
jxl += box(b"Exif", bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0")) + box(b"jxlc", CODESTREAM)
pillow_heif.register_heif_opener()
heif = io.BytesIO()
Image.new("RGB", (96, 48)).save(heif, "HEIF", exif=exif.tobytes())
seen = {}
for name, file in (("JPEG XL", io.BytesIO(jxl)), ("HEIF", heif)):
    picture = Image.open(file)
    tag = picture.getexif().get(0x0112)
    seen[name] = picture.size, tag, ImageOps.exif_transpose(picture).size
    print(f"{name}: opened as {picture.size}, orientation {tag}, after exif_transpose {seen[name][2]}")
sys.exit(seen != {"JPEG XL": ((48, 96), 6, (96, 48)), "HEIF": ((48, 96), 1, (48, 96))})
PY
"$work/venv/bin/python" "$work/turn.py"
