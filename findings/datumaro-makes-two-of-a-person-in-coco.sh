#!/usr/bin/env bash
# datumaro reads an annotation of COCO that has a mask and a box, as COCO's own files do, as two: a mask or polygons, and
# a box, which share only their group. A user who counts annotations counts every person twice. A filter for the type
# leaves one a person.
# Seen 2026-11-30 with datumaro 1.13.12, Python 3.11, Linux. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet datumaro==1.13.12
cat > "$work/ask.py" <<'PY'
import json
import sys
from pathlib import Path

import numpy as np
from datumaro import Dataset
from PIL import Image
from pycocotools import mask as coco

work = Path(sys.argv[1]) / "set"
for folder in ("annotations", "images/default"):
    (work / folder).mkdir(parents=True)
Image.new("RGB", (40, 30)).save(work / "images/default/a.png")
mask = np.zeros((30, 40), np.uint8, order="F")
mask[5:25, 10:20] = 1
codes = coco.encode(mask)
person = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 5, 10, 20], "area": 200, "iscrowd": 0}
person["segmentation"] = codes | {"counts": codes["counts"].decode()}
image = {"id": 1, "file_name": "a.png", "height": 30, "width": 40}
whole = {"images": [image], "annotations": [person], "categories": [{"id": 1, "name": "person"}]}
(work / "annotations/instances_default.json").write_text(json.dumps(whole))
data = Dataset.import_from(str(work), "coco")
both = [(each.type.name, each.group) for item in data for each in item.annotations]
data.filter('/item/annotation[type!="bbox"]', filter_annotations=True)
one = [(each.type.name, each.group) for item in data for each in item.annotations]
print("one person in the file:", both)
print("without boxes:", one)
sys.exit(not (both == [("mask", 1), ("bbox", 1)] and one == [("mask", 1)]))
PY
"$work/venv/bin/python" "$work/ask.py" "$work" 2>/dev/null
