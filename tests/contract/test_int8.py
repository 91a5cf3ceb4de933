"""The compact segmenter with layers in 8 bits against itself in fp32, on real photographs. Any processor
computes both on OpenVINO; without VNNI int8 is only slower.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from par_core.models.compact import load_compact_segmenter
from par_core.models.fingerprints import CODE
from par_core.models.int8 import Quantisable
from par_core.models.runtimes import Arrays, Compiled, OpenVinoRuntime
from par_core.models.segmenter import MaskRCNNSegmenter
from par_core.models.segmenter_settings import COMPACT_SETTINGS
from par_core.people.boxes import box_overlaps
from par_core.people.masks import decode_mask
from par_core.types import ImageU8

# Of the people who are found with confidence in fp32 (a score from 0.9 on), nine in ten have masks that share
# this part of their pixels, as outlines of two runtimes do (decision 4), and scores that differ by less than
# that. The astronaut's share 0.88, those of people in streets at least 0.96.
CONFIDENT = 0.9
OFTEN, IOU, SCORE = 0.9, 0.85, 0.08


class EightBits(OpenVinoRuntime):
    """Computes in int8 whatever has layers for it, and the rest in fp32, as ``MeasuringRuntime`` chooses."""

    def compile(self, network: Quantisable, examples: Arrays, key: str) -> Compiled:
        runtime = OpenVinoRuntime("int8" if network.ranges else "fp32")
        return runtime.compile(network, examples, key)


def loaded(runtime: OpenVinoRuntime) -> MaskRCNNSegmenter:
    return load_compact_segmenter(runtime, COMPACT_SETTINGS, CODE["segmenter"])


def same_people(photos: list[ImageU8]) -> int:
    """Compare the people of both precisions; returns how many fp32 is confident of."""
    plain, quantised = (
        segmenter.segment(photos) for segmenter in (loaded(OpenVinoRuntime()), loaded(EightBits()))
    )
    alike = []
    for ours, theirs in zip(quantised, plain, strict=True):
        if not len(ours.boxes):
            alike += [False] * int((theirs.scores >= CONFIDENT).sum())
            continue
        nearest = box_overlaps(theirs.boxes, ours.boxes).argmax(axis=1)
        for mask, score, other in zip(theirs.masks, theirs.scores, nearest, strict=True):
            if score >= CONFIDENT:
                a, b = decode_mask(mask), decode_mask(ours.masks[other])
                moved = abs(float(score - ours.scores[other]))
                alike.append((a & b).sum() >= IOU * (a | b).sum() and moved < SCORE)
    assert np.mean(alike) >= OFTEN
    return len(alike)


def test_the_same_people_are_found_in_photographs() -> None:
    camera = np.repeat(data.camera()[..., None], 3, axis=2)
    assert same_people([data.astronaut(), camera, data.chelsea(), data.coffee()]) >= 1


def test_the_same_people_are_found_in_streets(data_dir: Path) -> None:
    files = sorted((data_dir / "pennfudan" / "PNGImages").iterdir())[::20]
    photos = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    assert same_people(photos) >= len(photos)
