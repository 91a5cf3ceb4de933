#!/usr/bin/env bash
# ultralytics' convert_coco turns a mask in run lengths into a contour whose points are numbers of pixels, divided by the
# size of the picture and written with six digits; its data loader multiplies them again and cuts them to whole
# numbers, so that 12 comes back as 11.99999 and becomes 11. A rectangle of 11 x 21 pixels, in a picture of 97 x 89,
# comes back a column to the left (IoU 0.83). A polygon whose corners lie inside of the pixels comes back as it was.
# Seen 2026-11-30 with ultralytics 8.4.190 (AGPL-3.0), Python 3.11, Linux. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ultralytics==8.4.190 faster-coco-eval==1.8.0 pycocotools==2.0.11
cat > "$work/ask.py" <<'PY'
import json
import sys
from pathlib import Path

import numpy as np
from pycocotools import mask as coco
from ultralytics.data.converter import convert_coco
from ultralytics.data.utils import polygon2mask

work, size = Path(sys.argv[1]), (89, 97)
mask = np.zeros(size, np.uint8, order="F")
mask[30:51, 12:23] = 1
codes = coco.encode(mask)
inside = [12.2, 30.2, 22.8, 30.2, 22.8, 50.8, 12.2, 50.8]
kinds = {"rle": codes | {"counts": codes["counts"].decode()}, "polygon": [inside]}
overlap = {}
for kind, segmentation in kinds.items():
    (work / kind).mkdir()
    person = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [12, 30, 11, 21], "area": 231, "iscrowd": 0}
    image = {"id": 1, "file_name": "a.jpg", "height": size[0], "width": size[1]}
    whole = {"images": [image], "annotations": [person | {"segmentation": segmentation}], "categories": [{"id": 1, "name": "person"}]}
    (work / kind / "instances_a.json").write_text(json.dumps(whole))
    convert_coco(str(work / kind), str(work / f"{kind}-out"), use_segments=True)
    [line] = (work / f"{kind}-out/labels/a/a.txt").read_text().splitlines()
    points = np.array(line.split()[1:], float).reshape(-1, 2) * size[::-1]
    back = polygon2mask(size, [points.ravel()])
    rows, columns = np.nonzero(back)
    overlap[kind] = (back & mask).sum() / (back | mask).sum()
    print(f"{kind}: rows {rows.min()} to {rows.max()}, columns {columns.min()} to {columns.max()}, IoU {overlap[kind]:.3f}")
sys.exit(not (overlap["rle"] < 0.97 and overlap["polygon"] == 1))
PY
YOLO_AUTOINSTALL=false YOLO_CONFIG_DIR="$work" HOME="$work" "$work/venv/bin/python" "$work/ask.py" "$work" 2>/dev/null | grep IoU
