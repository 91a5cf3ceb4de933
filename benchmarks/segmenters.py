"""Compare weights of the compact segmenter. Prints one JSON.

    python benchmarks/segmenters.py --data ../shared/data NAME=segmenter.safetensors ... \
        > benchmarks/results/segmenters.json

Average precisions, precision and recall on the photographs of Penn-Fudan and COCO that choose, and on all
that were held out from training, in fp32 on torch, with false people an image of COCO without people, by
threshold, and average precisions of boxes on the photographs of Flickr8k. ``score``, the mean of mask AP50
and AP75 over both sets, decides; half of the photographs held out are those to report on, which decide
nothing.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance

from par_core.models.mask_rcnn import build_mask_rcnn
from par_core.models.weights import load_state, read_published
from par_core.training.boxed_data import split_boxed
from par_core.training.segmentation_data import split_photos
from par_core.training.segmenter_scores import score_boxes, score_segmenter


def main() -> None:
    """Score every file and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("weights", nargs="+", metavar="NAME=FILE", help="weights that a run wrote")
    options = parser.parse_args()
    split, boxed = split_photos(options.data), split_boxed(options.data)
    found: dict[str, Any] = {}
    for name, file in (each.split("=", 1) for each in options.weights):
        network = build_mask_rcnn("compact")
        load_state(network, read_published(Path(file), "segmenter"), file)
        network.eval()
        parts = {"choose": split.choose, "held out": split.held_out}
        scores: dict[str, dict[str, float]] = {}
        for part, photos in parts.items():
            found_there = score_segmenter(network, photos)
            decisive = [
                value for key, value in found_there.items() if key.endswith(("mask_ap50", "mask_ap75"))
            ]
            scores[part] = {"score": float(np.mean(decisive)), **found_there}
        for part, listed in (("choose", boxed.choose), ("held out", boxed.held_out)):
            scores[part] |= {f"flickr8k_{key}": value for key, value in score_boxes(network, listed).items()}
        found[name] = {
            part: {key: round(value, 3) for key, value in listed.items()} for part, listed in scores.items()
        }
        print(name, found[name], file=sys.stderr)
    about = provenance(0) | {"command": "benchmarks/segmenters.py --data ../shared/data NAME=FILE ..."}
    print(json.dumps({"part": "segmenters", "weights": found, **about}, indent=1))


if __name__ == "__main__":
    main()
