"""The models of the compact profile: on OpenVINO from the shipped IRs, which need no torch; else on torch."""

import json
from typing import Any

import numpy as np

from par_core.models.describer import CompactDescriber, read_answers
from par_core.models.detector import OpenVinoDetector, examples
from par_core.models.regions import COMPACT_ANCHORS
from par_core.models.runtimes import Arrays, Runtime
from par_core.models.segmenter import MaskRCNNSegmenter
from par_core.models.segmenter_settings import SegmenterSettings
from par_core.models.shipped import FILES
from par_core.models.shipped_networks import read_metadata, shipped_network
from par_core.models.text import CONTEXT_LENGTH, TowerTextEncoder
from par_core.models.tokenizer import Tokenizer

__all__ = ["load_compact_describer", "load_compact_segmenter", "load_compact_text"]

_SEGMENTER, _DESCRIBER, _TEXT = FILES
_PYRAMID_CHANNELS = 128
_ARCHITECTURE = "compact Mask R-CNN"


def load_compact_segmenter(
    runtime: Runtime, settings: SegmenterSettings, fingerprint: str
) -> MaskRCNNSegmenter:
    """Load the shipped segmenter on a runtime.

    Raises:
        WeightsError: A shipped file is missing or damaged.
    """
    if runtime.name != "openvino":
        from par_core.models.torch_segmenter import compact_network, segmenter_of

        return segmenter_of(compact_network(), settings, fingerprint, _ARCHITECTURE, runtime)
    pictures, boxes, masks = examples(_PYRAMID_CHANNELS)

    def part(name: str, typical: Arrays) -> Any:
        network = f"segmenter-compact.{name}"
        return runtime.compile(shipped_network(network, _SEGMENTER), typical, f"{fingerprint}/{name}")

    detector = OpenVinoDetector(
        part("features", pictures), part("boxes", boxes), part("masks", masks), COMPACT_ANCHORS, settings
    )
    summary = f"{_ARCHITECTURE} ({runtime.name}, {runtime.precision})"
    return MaskRCNNSegmenter(detector, settings, fingerprint, summary)


def load_compact_describer(
    runtime: Runtime, fingerprint: str, embedding_fingerprint: str
) -> CompactDescriber:
    """Load the shipped describer on a runtime.

    Raises:
        WeightsError: A shipped file is missing or damaged.
    """
    network: Any
    if runtime.name == "openvino":
        network = shipped_network("describer-compact", _DESCRIBER)
    else:
        from par_core.models.describer_network import shipped_describer

        network, _ = shipped_describer()
    answers = read_answers(json.loads(read_metadata(_DESCRIBER)["attributes"]))
    return CompactDescriber(network, answers, fingerprint, embedding_fingerprint, runtime)


def load_compact_text(runtime: Runtime, embedding_fingerprint: str) -> TowerTextEncoder:
    """Load the shipped text tower on a runtime, in fp32.

    Raises:
        WeightsError: A shipped file is missing or damaged.
    """
    network: Any
    if runtime.name == "openvino":
        network = shipped_network("text-compact", _TEXT)
    else:
        from par_core.models.text_tower import shipped_text_tower

        network, _ = shipped_text_tower()
    metadata = read_metadata(_TEXT)
    ids = np.zeros((1, CONTEXT_LENGTH), np.int64)
    return TowerTextEncoder(
        runtime.compile(network, (ids,), f"{embedding_fingerprint}/text"),
        Tokenizer(CONTEXT_LENGTH),
        float(json.loads(metadata["logit_scale"])),
        embedding_fingerprint,
        frozenset(json.loads(metadata["known_words"])),
    )
