"""The score of cut-outs and the rule for second cuts, with the shipped weights, on photographs that neither
was fitted to:

    PYTHONPATH=. python benchmarks/cutouts.py --data ../shared/data > benchmarks/results/cutouts.json

``without_second_cuts`` scores the segmenter as indexing runs it, on the photographs held out from its
training, with all people and without the second cuts among them.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from machine import provenance

from par_core.config import RunConfig, load_config
from par_core.datasets.outlines import read_photo
from par_core.evaluate.segmentation import outlines
from par_core.metrics.coco_ap import people_at_threshold, segmentation_ap
from par_core.people.cutout_quality import CutoutWeights
from par_core.people.second_cuts import MOST_COVERED, second_cuts
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.training.cutout_data import FoundPeople, find_people
from par_core.training.cutout_quality import MOST, SEED, as_json, measured
from par_core.training.segmentation_data import split_photos
from par_core.types import PersonInstances


def without_second_cuts(people: PersonInstances) -> PersonInstances:
    """The people of an image who count."""
    kept = ~second_cuts(people)
    masks = tuple(mask for mask, is_kept in zip(people.masks, kept, strict=True) if is_kept)
    return PersonInstances(people.boxes[kept], people.scores[kept], masks)


def segmentation(data: Path, config: RunConfig, cache: PredictionCache) -> dict[str, Any]:
    """Scores of all people that indexing would find, and of those among them who are no second cuts."""
    kept, figures = split_photos(data).held_out, {}
    for source in ("pennfudan", "coco"):
        photos = kept[source]
        truth = [outlines(read_photo(photo)[1]) for photo in photos]
        (found,) = cache.outlines([photo.image for photo in photos], [config])
        for name, people in (("all", found), ("without", [without_second_cuts(one) for one in found])):
            figures[f"{source}_{name}"] = {
                "photographs": len(photos),
                "people": sum(map(len, people)),
                **segmentation_ap(truth, people),
                **people_at_threshold(truth, people, 0.0),
            }
    return figures


def people_a_photograph(people: FoundPeople) -> dict[str, Any]:
    """People a photograph of Clothing Co-Parsing, which portrays one person each: all, without second cuts,
    and of those with a score of at least one half.
    """
    portrayed = people.of(people.sources == "ccp")
    first = portrayed.covered < MOST_COVERED
    good = CutoutWeights.shipped().scores(portrayed.measures) >= 0.5
    n = len(np.unique(portrayed.photos))
    kinds = (("all", first | True), ("without_second_cuts", first), ("and_good", first & good))
    return {"photographs": n, **{name: float(kind.sum() / n) for name, kind in kinds}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--work", type=Path, default=Path("build/cutouts"), help="where predictions are kept")
    options = parser.parse_args()
    config, cache = load_config(), PredictionCache(options.work, compute_here)
    people = find_people(options.data, config, cache, most=MOST, seed=SEED)
    weights = CutoutWeights.shipped()
    result = {
        "people": len(people.real),
        "weights": as_json(weights),
        **measured(people, weights),
        "without_second_cuts": segmentation(options.data, config, cache),
        "ccp_people_a_photograph": people_a_photograph(people),
    }
    print(json.dumps({**result, **provenance(SEED)}, indent=1))


if __name__ == "__main__":
    main()
