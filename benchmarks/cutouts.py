"""The score of cut-outs and the rule for second cuts, with the shipped weights, on the part of the
photographs that neither was fitted to:

    PYTHONPATH=. python benchmarks/cutouts.py --data ../shared/data > benchmarks/results/cutouts.json
"""

import contextlib
import io
import json
import sys

from machine import provenance

from par_core.training.cutout_quality import main

if __name__ == "__main__":
    about = provenance(0)
    with contextlib.redirect_stdout(io.StringIO()):
        result = main([*sys.argv[1:], "--check"])
    print(json.dumps({**result, **about}, indent=1))
