"""Writes networks of gender and age that answer the same for every face, in DeepFace's ONNX format; run in
its environment, which has ``onnx``: stub_networks.py FOLDER.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write(path: Path, logits: np.ndarray) -> None:
    """A network of pictures (n, 224, 224, 3) whose output is the softmax of these numbers."""
    constants = {
        "axes": np.array([1, 2], np.int64),
        "nothing": np.zeros((3, len(logits)), np.float32),
        "logits": logits.astype(np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["faces", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "nothing"], ["zeros"]),
        helper.make_node("Add", ["zeros", "logits"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["answer"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "stub",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 224, 224, 3])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", len(logits)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


folder = Path(sys.argv[1]) / ".deepface" / "weights"
ages = np.full(101, -50.0)
ages[[33, 34]] = 0  # an expectation of 33.5 years
write(folder / "gender_model_weights.onnx", np.log([0.25, 0.75]))
write(folder / "age_model_weights.onnx", ages)
