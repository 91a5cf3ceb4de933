#!/usr/bin/env bash
# A program that writes one picture in several formats hands the same Exif object to each call of save. Saving an AVIF
# takes the orientation out of that object (the file gets it as a property of its own), so that every file that is
# written afterwards lies on its side, and the order of two calls decides. Saving a TIFF leaves the object alone, but
# drops what was put in by get_ifd, such as the time of capture; exif.tobytes() in its place is safe in both.
# Seen 2026-11-30 with Pillow 13.0.0, Python 3.11. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0
cat > "$work/save.py" <<'PY'
import io
import sys

from PIL import ExifTags, Image

ORIENTATION, TAKEN = ExifTags.Base.Orientation, ExifTags.Base.DateTimeOriginal


def written(form, exif):
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, form, exif=exif)
    found = Image.open(file).getexif()
    return found.get(ORIENTATION), found.get_ifd(ExifTags.IFD.Exif).get(TAKEN)


exif = Image.Exif()
exif[ORIENTATION] = 6
exif.get_ifd(ExifTags.IFD.Exif)[TAKEN] = "2021:07:05 12:30:15"
tiff, tiff_of_bytes = written("TIFF", exif), written("TIFF", exif.tobytes())
print(f"TIFF: orientation {tiff[0]}, taken {tiff[1]}; from bytes: {tiff_of_bytes[0]}, {tiff_of_bytes[1]}")
before, _, after = written("JPEG", exif), written("AVIF", exif), written("JPEG", exif)
print(f"JPEG: orientation {before[0]}; after an AVIF was saved: {after[0]}")
sys.exit(not (before[0] == 6 and after[0] is None and tiff[1] is None and tiff_of_bytes[1]))
PY
"$work/venv/bin/python" "$work/save.py"
