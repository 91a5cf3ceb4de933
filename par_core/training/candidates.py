"""Compare weights of the compact embedder on the people that choose, who are not reported on.

    python -m par_core.training.candidates --data ../shared/data --work build/candidates compact build/runs/a

``compact`` are the shipped weights; others are folders of runs, or of averages of runs. One line each: mean
AUC and best mA of clothing, text queries for attributes and for coloured garments (mean AP over prevalence),
AUC of orientation, and AUC of gender on MIT's crops, on sharp photographs, and on portraits that are made of
these: head and shoulders (a fifth of the height), down to the waist (two fifths), and the latter in grey. The
thresholds of mA are the best ones of each line, so that it does not depend on a calibration. Nothing is drawn
at random; each line also says who is scored, on which machine, and the versions.
"""

import argparse
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float32
from rich.progress import track

from par_core.config import RunConfig
from par_core.datasets.impressions import read_impressions
from par_core.datasets.merged_labels import NAMES, LabelledPerson, labels_of, with_gender
from par_core.metrics.ranking import roc_auc
from par_core.models.hardware import processor_name
from par_core.models.profiles import load_segmenter
from par_core.training.attribute_data import read_people
from par_core.training.describer_pair import SHIPPED, DescriberPair, starting_pair
from par_core.training.describer_scores import (
    describe_people,
    score_attributes,
    score_colours,
    score_queries,
    summary,
)
from par_core.training.held_out import GENDER
from par_core.training.outlining import outline_people

__all__ = ["compare", "gender_auc"]

_FEMALE: Final = NAMES.index("female")
_EITHER_OR: Final = ("female", "front")
#: Share of the height that portraits show, and whether they are in grey.
_PORTRAITS: Final = {
    "gender_shoulders": (0.2, False),
    "gender_waist": (0.4, False),
    "gender_waist_grey": (0.4, True),
}


def compare(pair: DescriberPair, people: Sequence[LabelledPerson]) -> dict[str, float]:
    """Return the figures of one pair of towers.

    Args:
        pair: Ready to describe.
        people: With outlines, where there are any, and full labels of gender.
    """
    embeddings, logits = describe_people(pair, people)
    labels = labels_of(list(people))
    attributes = score_attributes(logits, labels)
    means = summary(
        attributes, score_queries(pair, embeddings, labels), score_colours(pair, embeddings, people)
    )
    clothing = [value["best_mA"] for name, value in attributes.items() if name not in _EITHER_OR]
    sharp = [i for i, person in enumerate(people) if person.source != "mit"]
    crops = [i for i, person in enumerate(people) if person.source == "mit"]
    figures = {
        "clothing_auc": means["mean_auc_clothing"],
        "clothing_mA": float(np.mean(clothing)),
        "text": means["mean_ap_over_prevalence"],
        "colours": means["mean_ap_over_prevalence_colours"],
        "front": attributes["front"]["auc"],
        "gender_mit": gender_auc(logits[crops], labels[crops]),
        "gender_ccp": gender_auc(logits[sharp], labels[sharp]),
    }
    shown_again = [people[i] for i in sharp]
    for name, (shown, grey) in _PORTRAITS.items():
        portraits = describe_people(pair, shown_again, shown=shown, grey=grey)[1]
        figures[name] = gender_auc(portraits, labels[sharp])
    return figures


def gender_auc(logits: Float32[np.ndarray, "n k"], labels: Float32[np.ndarray, "n k"]) -> float:
    """Return the AUC of ``female`` over those whose label is known."""
    known = ~np.isnan(labels[:, _FEMALE])
    return roc_auc(labels[known, _FEMALE] == 1, logits[known, _FEMALE])


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, score each of the weights and print them as JSON, one line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    parser.add_argument("--work", type=Path, required=True, help="folder in which outlines are kept")
    parser.add_argument("weights", nargs="+", help="compact, or folders of runs")
    options = parser.parse_args(arguments)
    people = with_gender(read_people(options.data).choose, read_impressions(GENDER))
    outlined = outline_people(
        people,
        load_segmenter(RunConfig()),
        options.work / "outlines",
        lambda listed, what: track(listed, what),
    )
    torch.set_num_threads(1)
    about = {
        "people": _counts(outlined),
        "machine": processor_name(),
        "versions": {name: version(name) for name in ("torch", "timm", "open_clip_torch", "numpy")},
    }
    for name in options.weights:
        start = Path(name) if name == SHIPPED else Path(name) / "embedder.safetensors"
        figures = compare(starting_pair(start, 0).eval(), outlined)
        rounded = {key: round(value, 4) for key, value in figures.items()}
        print(json.dumps({"weights": Path(name).name, **rounded, **about}), flush=True)


def _counts(people: Sequence[LabelledPerson]) -> dict[str, int]:
    """How many there are, and how many men and women of each set have a label."""
    labels = labels_of(list(people))[:, _FEMALE]
    crops = np.array([person.source == "mit" for person in people])
    return {
        "all": len(people),
        **{
            f"{kind}_{name}": int((labels[rows] == value).sum())
            for name, rows in (("mit", crops), ("ccp", ~crops))
            for kind, value in (("men", 0), ("women", 1))
        },
    }


if __name__ == "__main__":
    main()
