"""The paper's attribute network (section 6): a ViT-B/32 (Dosovitskiy et al. 2021) of timm with one logit for
each attribute.

A file holds timm's own state; the metadata names the attributes, in the order of the logits, and may hold
their calibration. A plain timm state without metadata works if it has as many outputs as PAR's vocabulary.
Preprocessing is timm's for this network, on the whole cut-out.
"""

import json
from pathlib import Path
from typing import Any, Final

import timm
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config
from torch import Tensor, nn

from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.errors import WeightsError
from par_core.models.answers import Answers
from par_core.models.weights import load_state, read_published

__all__ = ["AttributeViT", "build_vit", "load_attribute_vit", "random_attribute_vit", "save_attribute_vit"]

ARCHITECTURE: Final = "vit_base_patch32_224"


class AttributeViT:
    """The network, its preprocessing, and the meaning of its outputs.

    Args:
        network: timm model with k outputs.
        answers: Names, calibration and thresholds of the outputs.
    """

    def __init__(self, network: nn.Module, answers: Answers) -> None:
        self.network, self.answers = network.eval(), answers
        config = resolve_data_config({"crop_pct": 1.0}, model=network)
        self.side = int(config["input_size"][-1])
        self.transform: Any = create_transform(**config)


def build_vit(n_attributes: int) -> nn.Module:
    """Build the network with random weights."""
    return timm.create_model(ARCHITECTURE, pretrained=False, num_classes=n_attributes)


def random_attribute_vit(seed: int) -> AttributeViT:
    """Build an attribute network with random weights, for tests and benchmarks."""
    torch.manual_seed(seed)
    return AttributeViT(
        build_vit(len(ATTRIBUTES)), Answers.uncalibrated([attribute.name for attribute in ATTRIBUTES])
    )


def load_attribute_vit(file: Path) -> AttributeViT:
    """Read a file of ``par train attributes``, or a timm state.

    Raises:
        WeightsError: The file is missing or holds another network.
    """
    state = read_published(file, "attribute ViT-B/32")
    outputs = len(state["head.bias"]) if "head.bias" in state else 0
    answers = _answers(file)
    if len(answers.names) != outputs:
        raise WeightsError(
            f"{file} has {outputs} outputs, but {len(answers.names)} attributes are named; train it with: par"
            " train attributes"
        )
    network = build_vit(outputs)
    load_state(network, state, str(file))
    return AttributeViT(network, answers)


def save_attribute_vit(file: Path, state: dict[str, Tensor], answers: Answers) -> None:
    """Write a file that :func:`load_attribute_vit` reads."""
    save_file(
        {name: tensor.contiguous() for name, tensor in state.items()},
        file,
        metadata={"answers": json.dumps(answers.as_json())},
    )
    file.chmod(0o644)


def _answers(file: Path) -> Answers:
    if file.suffix == ".safetensors":
        with safe_open(file, framework="pt") as opened:
            metadata = dict(opened.metadata() or {})
        if "answers" in metadata:
            return Answers.of_json(json.loads(metadata["answers"]))
    return Answers.uncalibrated([attribute.name for attribute in ATTRIBUTES])
