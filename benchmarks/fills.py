"""What is to be painted behind a person whose background is eliminated? The same people, detected once, are
described before each colour; the shipped weights were trained with the first:

    python -m par_core.training.held_out --data ../shared/data --out build/held-out
    PYTHONPATH=. python benchmarks/fills.py --root build/held-out > benchmarks/results/fills.json

``crop`` is the mean of the whole crop, ``background`` that of the pixels around the person, ``grey`` what the
describer subtracts from its input. The describer letterboxes cut-outs with their own mean; ``padded`` gives
this room the colour of the background instead.

One rule, set before anything was measured, decides by the part ``choose``: a variant takes the place of
``crop`` if its ``mean_auc`` on CCP is higher with a paired 95 % interval above zero, and neither AUC on MIT
is lower with an interval below zero; of several the one with the highest ``mean_auc``. Else ``crop`` stays,
as a change has every store described again. The part ``report`` decides nothing.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

import cv2
import numpy as np
from machine import provenance

from par_core.config import CutoutConfig, RunConfig, load_config
from par_core.evaluate.attributes import AttributeRun, read_people, score_attributes
from par_core.evaluate.comparison import differences
from par_core.evaluate.retrieval import PeopleSet, evaluate_retrieval
from par_core.people.cutout import Fill, cut_out
from par_core.predictions import compute
from par_core.predictions.cache import PredictionCache
from par_core.predictions.tables import PredictedPeople
from par_core.types import ImageU8

SETS: Final[tuple[PeopleSet, ...]] = ("ccp", "mit")
PARTS: Final = ("choose", "report")
FIGURES: Final = ("mean_auc", "mA", "mean_ece")
TEXTS: Final = ("mean_ap_over_prevalence", "mean_ap_over_prevalence_by_text_alone")


class Filled(CutoutConfig):
    """How people are cut out, and before which colour."""

    fill: Fill
    padded: bool = False


VARIANTS: Final = {
    "crop": Filled(fill="crop"),
    "crop, padded": Filled(fill="crop", padded=True),
    "background": Filled(fill="background"),
    "background, padded": Filled(fill="background", padded=True),
    "grey": Filled(fill="grey"),
    "grey, padded": Filled(fill="grey", padded=True),
}
DEFAULT: Final = "crop"


def cut_out_before(image: ImageU8, box: np.ndarray, mask: Any, config: Filled, aspect: float) -> ImageU8:
    """Cut one person out before the colour of a variant."""
    picture = cut_out(image, box, mask, config, aspect, config.fill)
    if not config.padded:
        return picture
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    colour = np.median(border, axis=0).round().astype(int).tolist()
    rows, columns = picture.shape[:2]
    down, across = max(0, round(columns * aspect) - rows), max(0, round(rows / aspect) - columns)
    edges = (down // 2, down - down // 2, across // 2, across - across // 2)
    return np.asarray(cv2.copyMakeBorder(picture, *edges, cv2.BORDER_CONSTANT, value=colour), np.uint8)


@dataclass(frozen=True, slots=True)
class Known(PredictionCache):
    """Answers that are there already."""

    answer: PredictedPeople

    def people(self, pictures: Sequence[Path], settings: Sequence[RunConfig]) -> list[PredictedPeople]:
        """The answers, whatever is asked."""
        return [self.answer]


def scored(dataset: PeopleSet, root: Path, config: RunConfig, cache: PredictionCache) -> dict[str, Any]:
    """Figures of each variant on one part of a data set, and how they differ from today's."""
    data = read_people(dataset, root)
    settings = [
        config.model_copy(update={"describe": config.describe.model_copy(update={"cutout": cutout})})
        for cutout in VARIANTS.values()
    ]
    with mock.patch.object(compute, "cut_out", cut_out_before):
        answers = cache.people([person.image for person in data.people], settings)
    known = dict(zip(VARIANTS, answers, strict=True))
    runs = {name: score_attributes(data, answer) for name, answer in known.items()}
    figures = {name: _figures(run) for name, run in runs.items()}
    for name, answer in known.items():
        texts = evaluate_retrieval(dataset, root, config, Known(cache.folder, cache.compute, answer)).scores
        figures[name] |= {text: texts[text] for text in TEXTS}
        figures[name]["changes"] = {
            figure: {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
            for figure, interval in differences(runs[DEFAULT].items, runs[name].items).items()
            if name != DEFAULT
        }
    return {"images": len(data.people), "found": answers[0].detected, "variants": figures}


def _figures(run: AttributeRun) -> dict[str, Any]:
    aucs = {name: row["auc"] for name, row in run.scores["attributes"].items()}
    return {**{name: run.scores[name] for name in FIGURES}, "auc": aucs}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="folder that training.held_out made")
    parser.add_argument("--work", type=Path, default=Path("build/fills"), help="where predictions are kept")
    options = parser.parse_args()
    config, cache = load_config(), PredictionCache(options.work, compute.compute_here)
    parts = {
        part: {name: scored(name, options.root / part, config, cache) for name in SETS} for part in PARTS
    }
    print(json.dumps({**parts, **provenance(0)}, indent=1))


if __name__ == "__main__":
    main()
