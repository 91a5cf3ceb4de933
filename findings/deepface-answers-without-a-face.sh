#!/usr/bin/env bash
# DeepFace.analyze with enforce_detection=False, which turns off the exception for pictures without a face, answers
# for a plain grey picture: gender and age of the whole picture, in the form of an
# answer for a face. Only face_confidence 0 tells them apart. Tables of such answers count people whose face nobody saw.
# Seen 2026-11-30 with deepface 0.0.103, onnxruntime 1.32.0, Python 3.11, Linux; the two networks (0.5 GB each, which
# play no part in this) are replaced by ones of 1 kB that answer the same for every picture. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet deepface==0.0.103 'opencv-contrib-python-headless<5' werkzeug==3.1.9 onnx==1.22.0 onnxruntime==1.32.0
cat > "$work/ask.py" <<'PY'
import os
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = Path(os.environ["DEEPFACE_HOME"]) / ".deepface" / "weights"
folder.mkdir(parents=True)
for name, classes in (("gender", 2), ("age", 101)):
    constants = {"axes": np.array([1, 2], np.int64), "zeros": np.zeros((3, classes), np.float32)}
    nodes = [
        helper.make_node("ReduceMean", ["faces", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "zeros"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["answer"], axis=1),
    ]
    given = helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 224, 224, 3])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", classes])
    tensors = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, [given], [answer], tensors)
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / f"{name}_model_weights.onnx")

from deepface import DeepFace

grey = np.full((200, 100, 3), 90, np.uint8)
(answer,) = DeepFace.analyze(grey, actions=("gender", "age"), enforce_detection=False, silent=True)
print({key: answer[key] for key in ("dominant_gender", "age", "region", "face_confidence")})
box = answer["region"]
whole = (box["x"], box["y"], box["w"], box["h"]) == (0, 0, 99, 199)
sys.exit(not (whole and answer["face_confidence"] == 0 and answer["dominant_gender"] in ("Woman", "Man")))
PY
DEEPFACE_HOME="$work" DEEPFACE_BACKEND_ENGINE=onnx "$work/venv/bin/python" "$work/ask.py" 2>/dev/null
