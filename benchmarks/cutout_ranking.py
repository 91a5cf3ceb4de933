"""Does the score of cut-outs make answers better? Photographs held out from training are indexed, and
questions for garments, plain and coloured, are ranked with the score at several powers:

    PYTHONPATH=. python benchmarks/cutout_ranking.py --root build/held-out/all >
    benchmarks/results/cutout_ranking.json

Of Clothing Co-Parsing only the person who is portrayed has labels. ``precision`` counts hits who are such a
person and fit; ``precision_of_labelled`` takes the first hits who are such a person, so that it shows whether
the order of people changes for the worse; ``unlabelled`` is the share of the other hits: people in the
background, parts of people, things.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from machine import provenance
from stored_outlines import run

from par_core.attributes.vocabulary import BY_NAME, with_colour
from par_core.config import load_config
from par_core.datasets.merged_labels import NAMES, LabelledPerson, labelled_people, read_label_map
from par_core.datasets.outlines import outlined_photos
from par_core.people.masks import encode_mask, share_inside
from par_core.query import clear_cutouts
from par_core.query.answer import Hit
from par_core.query.from_store import Question, Searcher
from par_core.store.layout import Store
from par_core.types import MaskRLE

FIRST: Final = 12
POWERS: Final = (0.0, 0.25, 0.5, 1.0, 2.0)
LEAST: Final = 5  # people who fit a question


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question, and the photographs whose portrayed person fits."""

    text: str
    fitting: frozenset[str]


def questions(people: Sequence[LabelledPerson]) -> list[Labelled]:
    """Questions that at least five people fit."""
    asked = []
    for column, name in enumerate(NAMES):
        if BY_NAME[name].ccp:
            fitting = {person.image.stem for person in people if person.labels[column] == 1}
            asked.append(Labelled(f"a person {BY_NAME[name].phrases[0]}", frozenset(fitting)))
    for name, colour in sorted({garment for person in people for garment in person.colours}):
        fitting = {person.image.stem for person in people if (name, colour) in person.colours}
        asked.append(Labelled(with_colour(BY_NAME[name].nouns[0], colour), frozenset(fitting)))
    return [question for question in asked if len(question.fitting) >= LEAST]


def portrayed(store: Store, people: Sequence[LabelledPerson]) -> frozenset[str]:
    """Ids of the people of a store who are the portrayed person of a photograph: of those whose mask lies
    mostly inside the outline, the one who covers most of it.
    """
    outlined = {
        person.image.stem: encode_mask(read_label_map(person.label_map) > 0)
        for person in people
        if person.label_map is not None
    }
    best: dict[str, tuple[float, str]] = {}
    for path in store.root.glob("segment/*/*/manifest.json"):
        folder = store.shard("segment", path.parent.parent.name, path.parent.name)
        names = {row["image_id"]: Path(row["uri"]).stem for row in folder.read("images").to_pylist()}
        for row in folder.read("people").to_pylist():
            name = names[row["image_id"]]
            mask = MaskRLE(row["mask_height"], row["mask_width"], row["mask_counts"].encode())
            if name in outlined and share_inside(mask, [outlined[name]]) >= 0.5:
                covers = share_inside(outlined[name], [mask])
                best[name] = max(best.get(name, (0.0, "")), (covers, row["person_id"]))
    return frozenset(identity for _, identity in best.values())


def ranked(searcher: Searcher, text: str) -> list[Hit]:
    """All people, best first."""
    return list(searcher.ask(Question(text, top=len(searcher.index()), weak=True, apart=True)).hits)


def measured(
    searcher: Searcher, asked: Sequence[Labelled], known: frozenset[str], power: float
) -> dict[str, Any]:
    """Means over the questions."""
    clear_cutouts._WEIGHT = power  # type: ignore[misc] - what is tried here
    rows = []
    for question in asked:
        hits = ranked(searcher, question.text)
        fits = [Path(hit.uri).stem in question.fitting and hit.person_id in known for hit in hits]
        labelled = [fit for fit, hit in zip(fits, hits, strict=True) if hit.person_id in known]
        unlabelled = [hit.person_id not in known for hit in hits[:FIRST]]
        rows.append((np.mean(fits[:FIRST]), np.mean(labelled[:FIRST]), np.mean(unlabelled)))
    precision, of_labelled, share = np.mean(rows, axis=0)
    return {
        "power": power,
        "precision": float(precision),
        "precision_of_labelled": float(of_labelled),
        "unlabelled": float(share),
    }


def main() -> None:
    """Index, ask, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--root", type=Path, required=True, help="folder with ccp/, pennfudan/ and coco_people/, held out"
    )
    parser.add_argument("--store", type=Path, help="where to keep the store; a temporary folder unless given")
    options = parser.parse_args()
    people = [person for person in labelled_people("ccp", options.root) if person.colours]
    photos = [photo.image for name in ("pennfudan", "coco") for photo in outlined_photos(name, options.root)]
    photos += [person.image for person in people]
    with tempfile.TemporaryDirectory() as work:
        listing = Path(work) / "photographs.txt"
        listing.write_text("".join(f"{photo.resolve()}\n" for photo in photos))
        root = options.store or Path(work) / "store"
        run("index", listing, "--store", root, "--quiet")
        searcher, asked = Searcher(root, load_config()), questions(people)
        known = portrayed(searcher.store, people)
        figures = [measured(searcher, asked, known, power) for power in POWERS]
        sizes = {"photographs": len(photos), "people": len(searcher.index()), "portrayed": len(known)}
    print(json.dumps({**sizes, "questions": len(asked), "ranked": figures, **provenance(0)}, indent=1))


if __name__ == "__main__":
    main()
