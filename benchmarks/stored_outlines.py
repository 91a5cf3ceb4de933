"""Are the outlines that `par index` stores as good as `par evaluate segmentation` says? Scores both on the
same photographs, and prints one JSON.

    PYTHONPATH=. python benchmarks/stored_outlines.py --root build/held-out/all >
    benchmarks/results/stored_outlines.json

What is stored is read from the Parquet files of a store that takes people of any score. Both are scored by
pycocotools.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from machine import provenance

from par_core.datasets.outlines import outlined_photos, read_photo
from par_core.evaluate.segmentation import LOWEST_SCORE, SegmentationSet, outlines
from par_core.metrics.coco_ap import segmentation_ap
from par_core.types import MaskRLE, PersonInstances

PAR: Final = str(Path(sys.executable).with_name("par"))
FIGURES: Final = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50")
SETS: Final[tuple[SegmentationSet, ...]] = ("pennfudan", "coco")


def run(*arguments: object) -> None:
    """Run a command of PAR; raise an error if it fails."""
    subprocess.run([PAR, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def stored_people(store: Path, photos: list[Path]) -> list[PersonInstances]:
    """The people of each photograph, best first, as the files of the store have them."""
    tables = {
        name: pa.concat_tables(pq.read_table(file) for file in store.glob(f"segment/*/*/{name}.parquet"))
        for name in ("images", "people")
    }
    image_ids = {Path(row["uri"]).name: row["image_id"] for row in tables["images"].to_pylist()}
    people: dict[str, list[dict[str, Any]]] = {}
    for row in tables["people"].sort_by([("score", "descending")]).to_pylist():
        people.setdefault(row["image_id"], []).append(row)
    instances = []
    for photo in photos:
        rows = people.get(image_ids[photo.name], [])
        boxes = np.array(
            [[row[side] for side in ("x1", "y1", "x2", "y2")] for row in rows], np.float32
        ).reshape(-1, 4)
        masks = tuple(
            MaskRLE(row["mask_height"], row["mask_width"], row["mask_counts"].encode()) for row in rows
        )
        instances.append(PersonInstances(boxes, np.array([row["score"] for row in rows], np.float32), masks))
    return instances


def compared(dataset: SegmentationSet, root: Path, work: Path) -> dict[str, Any]:
    """The figures of the evaluation and of the store, and the greatest difference."""
    photos = outlined_photos(dataset, root)
    run("evaluate", "segmentation", "--dataset", dataset, "--root", root, "--json", work / f"{dataset}.json")
    listing = work / f"{dataset}.txt"
    listing.write_text("".join(f"{photo.image.resolve()}\n" for photo in photos))
    run("index", listing, "--store", work / dataset, "--min-score", LOWEST_SCORE, "--quiet")
    evaluated = json.loads((work / f"{dataset}.json").read_text())
    stored = segmentation_ap(
        [outlines(read_photo(photo)[1]) for photo in photos],
        stored_people(work / dataset, [photo.image for photo in photos]),
    )
    figures = {name: {"evaluated": evaluated[name], "stored": stored[name]} for name in FIGURES}
    return {
        "photographs": len(photos),
        **figures,
        "greatest_difference": max(abs(each["evaluated"] - each["stored"]) for each in figures.values()),
    }


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--root",
        type=Path,
        required=True,
        help="folder with pennfudan/ and coco_people/, held out from training",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        figures = {dataset: compared(dataset, options.root, Path(work)) for dataset in SETS}
    print(json.dumps({"part": "stored_outlines", **figures, **provenance(0)}, indent=1))


if __name__ == "__main__":
    main()
