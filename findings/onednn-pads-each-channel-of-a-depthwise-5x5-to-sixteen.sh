#!/usr/bin/env bash
# oneDNN, by which PyTorch convolves on CPUs, has a kernel of its own for depthwise convolutions, but not for the gradient
# of weights of 5 x 5 and more. There it takes the kernel of ordinary convolutions, with the one channel of each group
# padded to 16 x 16, and needs tens of times as long as for 3 x 3, for 2.8 times the products; the forward pass does not.
# With AVX2 alone (ONEDNN_MAX_CPU_ISA=AVX2) it pads to 8 x 8 and is twice as fast as with AVX-512. In mobile networks
# (EfficientNet, MobileNetV3) about half of the blocks are 5 x 5: a tenth of the time of a training step of a Mask R-CNN
# on EfficientNet-Lite0, more than any other kernel. ONEDNN_VERBOSE=1 names the kernels.
# Seen 2026-12-01 with PyTorch 2.14.1 (oneDNN 3.12.0), Intel Xeon with AMX, one thread. Exits 1 if that changes; needs AVX-512.
set -euo pipefail
grep -q avx512f /proc/cpuinfo || { echo "needs a processor with AVX-512"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.14.1 numpy==2.4.6
cat > "$work/train.py" <<'PY'
import torch

torch.set_num_threads(1)
for side in (3, 5):
    layer = torch.nn.Conv2d(192, 192, side, groups=192, padding=side // 2).to(memory_format=torch.channels_last)
    for _ in range(5):
        layer(torch.randn(1, 192, 56, 80).to(memory_format=torch.channels_last)).sum().backward()
PY
ONEDNN_VERBOSE=1 "$work/venv/bin/python" "$work/train.py" > "$work/said"
cat > "$work/read.py" <<'PY'
import sys
from collections import defaultdict

times, kernels = defaultdict(list), {}
for line in open(sys.argv[1]):
    fields = line.strip().split(",")
    if fields[:4] == ["onednn_verbose", "v1", "primitive", "exec"] and fields[5] == "convolution":
        side = 5 if "kh5" in fields[-2] else 3
        kernels[fields[7], side] = fields[6]
        times[fields[7], side].append(float(fields[-1]))
least = {key: min(listed) for key, listed in times.items()}
for (what, side), kernel in kernels.items():
    print(f"{side} x {side}, {what}: {kernel}, {least[what, side]:.2f} ms")
forward, weights = (least[what, 5] / least[what, 3] for what in ("forward_training", "backward_weights"))
print(f"5 x 5 takes {forward:.1f} times as long as 3 x 3 forward, {weights:.0f} times for the gradient of the weights")
depthwise = {side: "dw" in kernels["backward_weights", side] for side in (3, 5)}
sys.exit(not (depthwise == {3: True, 5: False} and weights > 8 > forward))
PY
"$work/venv/bin/python" "$work/read.py" "$work/said"
