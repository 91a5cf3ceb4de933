#!/usr/bin/env bash
# extract_thumb of rawpy is to give the preview of a raw file as it was embedded. LibRaw looks whether the JPEG begins with
# EXIF. If it begins with JFIF, LibRaw puts EXIF of its own in front, with the orientation of the raw file: EXIF that
# follows behind JFIF is hidden, and a preview that is to be turned lies on its side.
# The raw file here is a DNG of three directories; its preview is JFIF with EXIF's orientation 6 behind.
# Seen 2026-11-30 with rawpy 0.28.0 (LibRaw 0.22.2) and Pillow 13.0.0, Python 3.11. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet rawpy==0.28.0 pillow==13.0.0 numpy==2.4.6
cat > "$work/preview.py" <<'PY'
import io
import struct
import sys

import rawpy
from PIL import Image

BYTE, TEXT, SHORT, LONG = 1, 2, 3, 4
CODES = {BYTE: "B", TEXT: "B", SHORT: "H", LONG: "I"}


def dng(jpeg, width, height):
    body = bytearray(b"II*\0\0\0\0\0")

    def put(data):
        body.extend(data + b"\0" * (len(data) % 2))
        return len(body) - len(data) - len(data) % 2

    def directory(*tags):
        entries = b""
        for tag, kind, values in sorted(tags):
            data = struct.pack(f"<{len(values)}{CODES[kind]}", *values)
            field = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", put(data))
            entries += struct.pack("<HHI", tag, kind, len(values)) + field
        return put(struct.pack("<H", len(tags)) + entries + bytes(4))

    def stored(data, columns, rows):
        return ((256, LONG, [columns]), (257, LONG, [rows]), (273, LONG, [put(data)]), (278, LONG, [rows]),
                (279, LONG, [len(data)]))

    sensor = directory(*stored(bytes(2 * 96 * 64), 96, 64), (254, LONG, [0]), (258, SHORT, [16]), (259, SHORT, [1]),
                       (262, SHORT, [32803]), (277, SHORT, [1]), (33421, SHORT, [2, 2]), (33422, BYTE, [0, 1, 1, 2]))
    preview = directory(*stored(jpeg, width, height), (254, LONG, [1]), (258, SHORT, [8] * 3), (259, SHORT, [7]),
                        (262, SHORT, [6]), (277, SHORT, [3]))
    first = directory((271, TEXT, b"one\0"), (272, TEXT, b"two\0"), (274, SHORT, [1]), (330, LONG, [sensor, preview]),
                      (50706, BYTE, [1, 4, 0, 0]), (50708, TEXT, b"three\0"))
    struct.pack_into("<I", body, 4, first)
    return bytes(body)


exif = Image.Exif()
exif[0x0112] = 6
file = io.BytesIO()
Image.new("RGB", (480, 320)).save(file, "JPEG", exif=exif)
jfif = file.getvalue()
bare = jfif[:2] + jfif[4 + int.from_bytes(jfif[4:6], "big") :]
seen = []
for name, jpeg in (("JFIF, then EXIF", jfif), ("EXIF at once", bare)):
    with rawpy.imread(io.BytesIO(dng(jpeg, 480, 320))) as raw:
        given = raw.extract_thumb().data
    tags = Image.open(io.BytesIO(given)).getexif()
    seen.append((given == jpeg, tags.get(0x0112)))
    print(f"{name}: as embedded: {given == jpeg}; orientation {tags.get(0x0112)}, written by {tags.get(0x0131)}")
sys.exit(seen != [(False, 1), (True, 6)])
PY
"$work/venv/bin/python" "$work/preview.py"
