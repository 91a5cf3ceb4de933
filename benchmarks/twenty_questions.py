"""Twenty questions to photographs that nothing was learned from: how many of the first ten hits are right?

    PYTHONPATH=. python benchmarks/twenty_questions.py --root build/held-out/report --store build/store >
    benchmarks/results/twenty_questions.json

The store holds up to 150 photographs of the folder. A hit is right if it is the largest person of a photo
of Clothing Co-Parsing that the labels say fits: clothing by the labels of the data set, gender by
``par_core/training/ccp-gender.csv``, colours by ``garment_colours.csv``. Everybody else (people behind, of
Penn-Fudan and of COCO) counts as wrong.
``possible`` is the number of photographs that fit, up to ten.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from machine import provenance

import par_core as par
from par_core.datasets.merged_labels import NAMES, LabelledPerson, labelled_people

READ: Final = Path(__file__).with_name("garment_colours.csv")
FIRST: Final = 10


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the portrayed person of a photograph."""

    person: LabelledPerson
    colours: dict[str, frozenset[str]]

    def has(self, name: str) -> bool:
        """Whether the labels say so."""
        return self.person.labels[NAMES.index(name)] == 1

    def lacks(self, name: str) -> bool:
        """Whether the labels deny it."""
        return self.person.labels[NAMES.index(name)] == 0

    def wears(self, place: str, *terms: str) -> bool:
        """Whether the garment has one of some colours."""
        return bool(self.colours.get(place, frozenset()) & set(terms))


#: Question or filter, whether it is a filter, and who fits.
QUESTIONS: Final[tuple[tuple[str, bool, Callable[[Known], bool]], ...]] = (
    ("hat", True, lambda one: one.has("hat")),
    ("glasses", True, lambda one: one.has("glasses")),
    ("dress", True, lambda one: one.has("dress")),
    ("jeans and not bag", True, lambda one: one.has("jeans") and one.lacks("bag")),
    ("bag", True, lambda one: one.has("bag")),
    ("skirt:yes", False, lambda one: one.has("skirt")),
    ("boots:yes", False, lambda one: one.has("boots")),
    ("man", False, lambda one: one.lacks("female")),
    ("a person with a scarf", False, lambda one: one.has("scarf")),
    ("a woman without a bag", False, lambda one: one.has("female") and one.lacks("bag")),
    ("upper:green", False, lambda one: one.wears("upper", "green")),
    ("upper:red", False, lambda one: one.wears("upper", "red")),
    ("upper:brown", False, lambda one: one.wears("upper", "brown")),
    ("lower:blue", False, lambda one: one.wears("lower", "blue")),
    ("lower:purple", False, lambda one: one.wears("lower", "purple")),
    (
        "a blue coat",
        False,
        lambda one: one.has("coat_or_jacket") and one.wears("upper", "blue"),
    ),
    ("a white shirt", False, lambda one: one.has("shirt_or_blouse") and one.wears("upper", "white")),
    ("a black skirt", False, lambda one: one.has("skirt") and one.wears("lower", "black")),
    ("blue jeans", False, lambda one: one.has("jeans") and one.wears("lower", "blue")),
    (
        "upper_color = 'black' and trousers",
        True,
        lambda one: one.wears("upper", "black") and one.has("trousers"),
    ),
)


def known(root: Path, names: set[str]) -> dict[str, Known]:
    """The portrayed people by name of picture."""
    colours: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    for row in csv.DictReader(READ.open()):
        colours[row["image"]][row["place"]] = frozenset([row["colour"], *row["also"].split()])
    return {
        person.image.name: Known(person, colours[person.image.stem])
        for person in labelled_people("ccp", root)
        if person.image.name in names
    }


def largest(archive: par.Archive) -> dict[str, str]:
    """Person of greatest height of each picture."""
    tallest: dict[str, tuple[float, str]] = {}
    for hit in archive.search(where="height_px > 0", top=10_000, grouping=False):
        for one in (hit, *hit.similar):
            name = Path(one.uri).name
            tallest[name] = max(tallest.get(name, (0.0, "")), (one.height_px, one.person_id))
    return {name: person for name, (_, person) in tallest.items()}


def main() -> None:
    """Ask, and count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="folder that holds ccp/")
    parser.add_argument("--store", type=Path, required=True, help="store of photographs of this folder")
    options = parser.parse_args()
    archive = par.open(options.store)
    portrayed = largest(archive)
    people = known(options.root, set(portrayed))
    rows: list[dict[str, Any]] = []
    for text, is_filter, fits in QUESTIONS:
        fitting = {name for name, one in people.items() if fits(one)}
        result = archive.search(None if is_filter else text, where=text if is_filter else None, top=FIRST)
        hits = list(result)[:FIRST]
        right = [
            Path(hit.uri).name in fitting and portrayed[Path(hit.uri).name] == hit.person_id for hit in hits
        ]
        rows.append(
            {
                "question": f"--where {text}" if is_filter else text,
                "possible": min(len(fitting), FIRST),
                "hits": len(right),
                "right": sum(right),
            }
        )
    totals = {name: sum(row[name] for row in rows) for name in ("possible", "hits", "right")}
    print(
        json.dumps(
            {"photographs": len(portrayed), "questions": rows, "all": totals, **provenance(0)}, indent=1
        )
    )


if __name__ == "__main__":
    main()
