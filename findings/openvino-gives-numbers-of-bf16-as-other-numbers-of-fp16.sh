#!/usr/bin/env bash
# NumPy has no bf16. An output of OpenVINO in bf16, which saves half of a copy on processors that compute in it, comes to
# Python as an array of fp16 over the same bits, without an error or a warning: 1 becomes 1.875 and 0.5 becomes 1.75, close
# enough to the truth to be taken for rounding. In fp32 the same network gives the numbers themselves. The array has to be
# viewed as 16-bit integers, which are the upper halves of fp32.
# Seen 2026-12-01 with OpenVINO 2026.4.1 and NumPy 2.4.6 on x86-64. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6
cat > "$work/read.py" <<'PY'
import sys

import numpy as np
import openvino as ov
from openvino import opset13 as ops

numbers = np.array([1, 2, -3, 0.5], np.float32)
arrays = {}
for kind in ("f32", "bf16"):
    given = ops.parameter([4], np.float32)
    network = ov.Model([ops.convert(ops.add(given, np.float32(0)), kind)], [given])
    compiled = ov.Core().compile_model(network, "CPU")
    arrays[kind] = compiled(numbers)[0]
    print(f"{compiled.output(0).element_type}: {arrays[kind].dtype} {arrays[kind].tolist()}")
widened = (arrays["bf16"].view(np.uint16).astype(np.uint32) << 16).view(np.float32)
print(f"the same bits as upper halves of fp32: {widened.tolist()}")
as_seen = arrays["bf16"].dtype == np.float16 and arrays["bf16"].tolist() == [1.875, 2.0, -2.125, 1.75]
sys.exit(not (as_seen and (arrays["f32"] == numbers).all() and (widened == numbers).all()))
PY
"$work/venv/bin/python" "$work/read.py"
