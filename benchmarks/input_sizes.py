"""Sizes of the pictures that the compact segmenter sees: what many sizes cost, and what few change. Prints
one JSON.

    python benchmarks/input_sizes.py --data ../shared/data > benchmarks/results/input_sizes.json # 10 minutes

The ways: a picture is padded to multiples of 32 pixels, as before; padded to multiples of 64; stretched to
multiples of 64, at most by a tenth of each side, as now. Of each: sizes and mean area of the inputs of 500
photographs; CPU milliseconds that a worker takes more for the first picture of a size than for the second,
and the memory that it holds afterwards, in a process of its own; average precisions of Penn-Fudan's
photographs, of COCO's with people and of 60 of Clothing Co-Parsing, all together and those that the weights
did not learn from.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance
from photos import natural_photos

from par_core.datasets.outlines import Photo, read_photo, read_picture
from par_core.evaluate.segmentation import LOWEST_SCORE, outlines
from par_core.metrics.coco_ap import segmentation_ap
from par_core.models.choosing import choose_runtime
from par_core.models.compact import load_compact_segmenter
from par_core.models.segmenter import MaskRCNNSegmenter
from par_core.models.segmenter_input import prepare
from par_core.models.segmenter_settings import COMPACT_SETTINGS, SegmenterSettings
from par_core.training.segmentation_data import split_photos

SEED: Final = 0
PHOTOS: Final = 500
DRESSED: Final = 60
WAYS: Final[dict[str, SegmenterSettings]] = {
    "padded to 32": replace(COMPACT_SETTINGS, multiple=32, stretch=0.0),
    "padded to 64": replace(COMPACT_SETTINGS, stretch=0.0),
    "stretched to 64": COMPACT_SETTINGS,
}


def main() -> None:
    """Measure every way and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--first", nargs=2, metavar=("WAY", "PHOTOS"), help="used by the command itself")
    options = parser.parse_args()
    if options.first:
        print(json.dumps(first_pictures(options.first[0], Path(options.first[1]))))
        return
    sets = photographs(options.data)
    result: dict[str, Any] = {
        "part": "input_sizes",
        "photos": {name: len(each) for name, each in sets.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        result["measured_on"] = natural_photos(Path(folder), PHOTOS, SEED)
        for way in WAYS:
            command = [sys.executable, "-P", __file__, "--data", str(options.data), "--first", way, folder]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            result[way] = json.loads(done.stdout) | {"precision": precisions(way, sets)}
    print(json.dumps(result | provenance(SEED), indent=1))


def photographs(data: Path) -> dict[str, Sequence[Photo]]:
    """Return the photographs with outlined people, by set; those held out from training once more."""
    split = split_photos(data)
    sets: dict[str, Sequence[Photo]] = {}
    for name in ("pennfudan", "coco", "ccp"):
        held_out = split.held_out[name]
        others = split.train[name][: DRESSED - len(held_out)] if name == "ccp" else split.train[name]
        sets |= {f"{name}, held out": held_out, f"{name}, all": (*held_out, *others)}
    return sets


def segmenter(way: str) -> MaskRCNNSegmenter:
    """Return the shipped segmenter with the inputs of a way, which finds weak people too."""
    settings = replace(WAYS[way], min_score=LOWEST_SCORE)
    runtime = choose_runtime("openvino", "cpu", "auto", threads=1)
    return load_compact_segmenter(runtime, settings, "input_sizes")


def precisions(way: str, sets: dict[str, Sequence[Photo]]) -> dict[str, dict[str, float]]:
    """Return average precisions by set."""
    model, found = segmenter(way), {}
    for name, photos in sets.items():
        read = [(picture, outlines(labels)) for picture, labels in map(read_photo, photos)]
        read = [(picture, truth) for picture, truth in read if truth]
        people = [model.segment([picture])[0] for picture, _ in read]
        scores = segmentation_ap([truth for _, truth in read], people)
        found[name] = {key: round(value, 3) for key, value in scores.items()}
    return found


def first_pictures(way: str, folder: Path) -> dict[str, Any]:
    """Return what the inputs of photographs cost in a process that has seen none."""
    photos = sorted(folder.glob("*.jpg"))
    by_size: dict[tuple[int, ...], Path] = {}
    areas = []
    for photo in photos:
        size = prepare(read_picture(photo), WAYS[way]).pixels.shape[1:]
        by_size.setdefault(size, photo)
        areas.append(size[0] * size[1])
    model, more, held = segmenter(way), [], [0]
    for photo in by_size.values():
        picture, seconds = read_picture(photo), []
        for _ in range(2):
            started = time.process_time()
            model.segment([picture])
            seconds.append(time.process_time() - started)
        more.append(1000 * (seconds[0] - seconds[1]))
        held.append(psutil.Process().memory_info().rss)
    return {
        "sizes": len(by_size),
        "mean_pixels": round(float(np.mean(areas))),
        "first_ms_more": round(median(more), 1),
        "mb_after_all_sizes": round(held[-1] / 1e6),
        "mb_a_size": round((held[-1] - held[1]) / 1e6 / max(len(by_size) - 1, 1), 1),
    }


if __name__ == "__main__":
    main()
