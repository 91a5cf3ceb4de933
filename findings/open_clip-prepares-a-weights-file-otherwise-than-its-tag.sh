#!/usr/bin/env bash
# open_clip keeps mean, deviation and resizing of published weights beside their tag. A user who downloads the same file and
# names it by its path (a machine without a network) gets the values of OpenAI's CLIP instead, for every architecture:
# ViT-B-16-SigLIP is trained on pictures squashed to a square with mean 0.5, and then sees a centre crop with mean 0.48. No warning.
# Seen 2026-11-30 with open_clip_torch 3.3.0, torch 2.14.1, Python 3.11, Linux. Random weights stand for the published
# file, and MobileCLIP2-S0 for SigLIP, as it needs no tokenizer from a hub. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet open_clip_torch==3.3.0 timm==1.0.31 torch==2.14.1 torchvision==0.29.1 safetensors
cat > "$work/ask.py" <<'PY'
import sys

import open_clip
from safetensors.torch import save_file

name, tag, file = "MobileCLIP2-S0", "dfndr2b", sys.argv[1]
model = open_clip.create_model(name)
save_file({key: value.contiguous() for key, value in model.state_dict().items()}, file)
known = open_clip.get_pretrained_cfg(name, tag)
by_path, _, transform = open_clip.create_model_and_transforms(name, pretrained=file)
given = by_path.visual.preprocess_cfg
for key in ("mean", "std", "interpolation"):
    print(f"{key:14} by the tag {known[key]}, by the file's path {given[key]}")
sys.exit(not (tuple(known["mean"]) == (0.0, 0.0, 0.0) and tuple(given["mean"]) == open_clip.OPENAI_DATASET_MEAN))
PY
"$work/venv/bin/python" "$work/ask.py" "$work/weights.safetensors" 2>/dev/null
