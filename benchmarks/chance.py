"""How honest searches are about chance: stated against actual shares of chance hits, with and without people
who fit.

    PYTHONPATH=. python benchmarks/chance.py --root build/held-out/report > benchmarks/results/chance.json

asks texts for garments, coloured garments and pairs of them, of people held out from training; weights
fitted on one half of the texts are tried on the other. ``nothing_found_where_nobody_fits`` removes the people
who fit and asks again.
"""

import argparse
import json
from pathlib import Path

from benchmarks.machine import provenance
from par_core.config import load_config
from par_core.datasets.merged_labels import labelled_people
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.query.answer import CUTOFF
from par_core.training.text_weights import check_weights, text_queries


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
    searches = text_queries(
        labelled_people("ccp", arguments.root), load_config(), PredictionCache(arguments.work, compute_here)
    )
    print(
        json.dumps(
            {"part": "chance", "cutoff_of_searches": CUTOFF, **check_weights(searches), **provenance(0)},
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
