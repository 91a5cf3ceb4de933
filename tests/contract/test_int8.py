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

# of people with a score from 0.75, the threshold of indexing, on: share of the pixels of two masks that both
# have, in the median, in the mean and at least; difference of the scores
MEDIAN_IOU, MEAN_IOU, LEAST_IOU, SCORE = 0.99, 0.95, 0.6, 0.08


class EightBits(OpenVinoRuntime):
    """Computes in int8 whatever has layers for it, and the rest in fp32, as ``MeasuringRuntime`` chooses."""

    def compile(self, network: Quantisable, examples: Arrays, key: str) -> Compiled:
        runtime = OpenVinoRuntime("int8" if network.ranges else "fp32")
        return runtime.compile(network, examples, key)


def loaded(runtime: OpenVinoRuntime) -> MaskRCNNSegmenter:
    return load_compact_segmenter(runtime, COMPACT_SETTINGS, CODE["segmenter"])


def same_people(photos: list[ImageU8]) -> int:
    """Compare the people of both precisions; returns how many there are in fp32."""
    plain, quantised = (
        segmenter.segment(photos) for segmenter in (loaded(OpenVinoRuntime()), loaded(EightBits()))
    )
    shares, moved = [], []
    for ours, theirs in zip(quantised, plain, strict=True):
        if not len(theirs.boxes) or not len(ours.boxes):
            # who is found in one precision alone is near the threshold
            assert max([*ours.scores, *theirs.scores, 0.0]) < COMPACT_SETTINGS.min_score + SCORE
            continue
        nearest = box_overlaps(theirs.boxes, ours.boxes).argmax(axis=1)
        for mask, score, other in zip(theirs.masks, theirs.scores, nearest, strict=True):
            a, b = decode_mask(mask), decode_mask(ours.masks[other])
            share = (a & b).sum() / (a | b).sum()
            if share < 0.5:
                assert score < COMPACT_SETTINGS.min_score + SCORE
                continue
            shares.append(share)
            moved.append(abs(float(score - ours.scores[other])))
    assert np.median(shares) > MEDIAN_IOU
    assert np.mean(shares) > MEAN_IOU
    assert min(shares) > LEAST_IOU
    assert max(moved) < SCORE
    return len(shares)


def test_the_same_people_are_found_in_photographs() -> None:
    camera = np.repeat(data.camera()[..., None], 3, axis=2)
    assert same_people([data.astronaut(), camera, data.chelsea(), data.coffee()]) >= 2


def test_the_same_people_are_found_in_streets(data_dir: Path) -> None:
    files = sorted((data_dir / "pennfudan" / "PNGImages").iterdir())[::20]
    photos = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    assert same_people(photos) > len(photos)
