"""Compare weights of the compact segmenter: do composites help its training? Prints one JSON.

    python benchmarks/segmenters.py --data ../shared/data NAME=segmenter.safetensors ... \
        > benchmarks/results/segmenters.json

Average precisions on the photographs of Penn-Fudan and COCO that choose, and on all that were held out from
training, in fp32 on torch, with false people an image of COCO without people at the default threshold, and
average precisions of boxes on the photographs of Flickr8k.
``score``, the mean of mask AP50 and AP75 over both sets, decides; half of the photographs held out are those
to report on, which decide nothing.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance

from par_core.datasets.outlines import read_photo
from par_core.models.mask_rcnn import build_mask_rcnn
from par_core.models.segmenter_settings import COMPACT_SETTINGS
from par_core.models.torch_runtime import TorchRuntime
from par_core.models.torch_segmenter import segmenter_of
from par_core.models.weights import load_state, read_published
from par_core.training.boxed_data import split_boxed
from par_core.training.segmentation_data import split_photos
from par_core.training.segmenter_scores import score_boxes, score_validation


def main() -> None:
    """Score every file and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("weights", nargs="+", metavar="NAME=FILE", help="weights that a run wrote")
    options = parser.parse_args()
    split, boxed = split_photos(options.data), split_boxed(options.data)
    empty = [read_photo(photo)[0] for photo in split.held_out["empty"]]
    found: dict[str, Any] = {}
    for name, file in (each.split("=", 1) for each in options.weights):
        network = build_mask_rcnn("compact")
        load_state(network, read_published(Path(file), "segmenter"), file)
        network.eval()
        parts = {"choose": split.choose, "held out": split.held_out}
        scores: dict[str, Any] = {
            part: {key: round(value, 3) for key, value in score_validation(network, photos).items()}
            for part, photos in parts.items()
        }
        for part, listed in (("choose", boxed.choose), ("held out", boxed.held_out)):
            scores[part] |= {
                f"flickr8k_{key}": round(value, 3) for key, value in score_boxes(network, listed).items()
            }
        segmenter = segmenter_of(network, COMPACT_SETTINGS, "", "compact", TorchRuntime("cpu"))
        false = [len(people) for people in segmenter.segment(empty)]
        found[name] = scores | {"false_people_an_empty_image": round(float(np.mean(false)), 3)}
        print(name, found[name], file=sys.stderr)
    about = provenance(0) | {"command": "benchmarks/segmenters.py --data ../shared/data NAME=FILE ..."}
    print(json.dumps({"part": "segmenters", "empty_images": len(empty), "weights": found, **about}, indent=1))


if __name__ == "__main__":
    main()
