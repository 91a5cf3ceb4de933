"""What attributes as filters keep, over all people and the attributes of clothing: of those whom a filter
keeps the share who have the attribute (precision), and of those who have it the share who are kept (recall).

    PYTHONPATH=. python benchmarks/filters.py --root build/held-out/report > benchmarks/results/filters.json

``yes`` keeps from the threshold of each attribute, ``sure`` and ``maybe`` from one probability for all.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.machine import provenance
from par_core.attributes.vocabulary import BY_NAME
from par_core.config import load_config
from par_core.datasets.merged_labels import NAMES, labelled_people, labels_of
from par_core.evaluate.retrieval import describe_labelled
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.query.fields import MAYBE, SURE


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--root", type=Path, required=True, help="folder with ccp/, people held out from training"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("build/text-weights"), help="where predictions are kept"
    )
    arguments = parser.parse_args()
    people = labelled_people("ccp", arguments.root)
    described = describe_labelled(people, load_config(), PredictionCache(arguments.work, compute_here))
    names = [name for name in NAMES if BY_NAME[name].ccp]
    columns = [NAMES.index(name) for name in names]
    labels, probabilities = labels_of(people)[:, columns], described.probabilities[:, columns]
    known = ((labels == 0) | (labels == 1)) & ~np.isnan(probabilities)
    has = known & (labels == 1)
    cutoffs = {"yes": np.array([described.thresholds[name] for name in names]), "sure": SURE, "maybe": MAYBE}
    kept = {name: known & (probabilities >= cutoff) for name, cutoff in cutoffs.items()}
    figures = {
        name: {"precision": float(has[by].mean()), "recall": float(by[has].mean())}
        for name, by in kept.items()
    }
    print(
        json.dumps(
            {
                "part": "filters",
                "people": len(people),
                "attributes": len(names),
                "filters": figures,
                **provenance(0),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
