"""Do the names of colours agree with those that people give? Asks a public survey of colour names, and a
reader of outlined garments; prints confusion tables.

    PYTHONPATH=. python benchmarks/colour_names.py --root build/held-out --store build/store >
    benchmarks/results/colour_names.json

**Survey**: the colours of the XKCD survey, as matplotlib ships them, whose name ends in one of PAR's terms
(tan counts as beige) and holds no other. The names fall into two halves by their digest.

**Garments**: ``garment_colours.csv`` says what colour the largest garment of upper and lower body of people
held out from training appeared to have to one reader, who saw no name by PAR; ``also`` lists terms that are
right as well. Garments without one colour are left out. ``named`` takes the outlined pixels, ``stored`` the
columns as indexing computes them, from boxes and masks of a store that holds these photographs.

Rows of the part ``unoutlined`` are of people without outlines, for ``twenty_questions.py``.

The half ``choose`` of both chose the prototypes, the half ``report`` did not. ``--text`` prints tables.
"""

import argparse
import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from cutout_ranking import portrayed
from machine import provenance
from matplotlib.colors import XKCD_COLORS

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.colours import dominant_colour, garment_colours, name_pixels
from par_core.datasets.merged_labels import labelled_people
from par_core.datasets.outlines import read_picture
from par_core.made.garments import LOWER, UPPER, garments, largest, read_dressed
from par_core.store.layout import Store
from par_core.types import MaskRLE

READ: Final = Path(__file__).with_name("garment_colours.csv")
PARTS: Final = ("choose", "report")
KINDS: Final = {"upper": UPPER, "lower": LOWER}

Named = tuple[str, frozenset[str], str | None]  # right term, all right terms, PAR's


def survey() -> dict[str, list[Named]]:
    """The names of the survey, by half."""
    named: dict[str, list[Named]] = {part: [] for part in PARTS}
    for spelt, code in XKCD_COLORS.items():
        words = re.findall("[a-z]+", spelt.removeprefix("xkcd:"))
        terms = {"beige" if word == "tan" else word for word in words if word in (*COLOUR_TERMS, "tan")}
        if len(terms) == 1 and words[-1] in (*COLOUR_TERMS, "tan"):  # gray is grey's double
            (term,) = terms
            pixel = np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)]], np.uint8)
            half = PARTS[
                hashlib.sha256(" ".join(spelt.removeprefix("xkcd:").split()).encode()).digest()[0] % 2
            ]
            named[half].append((term, frozenset([term]), COLOUR_TERMS[name_pixels(pixel)[0]]))
    return named


def worn(root: Path, part: str) -> Iterator[tuple[dict[str, str], str | None]]:
    """Each garment that was read, and the name of its outlined pixels."""
    people = {person.image.stem: person for person in labelled_people("ccp", root / part)}
    for row in csv.DictReader(READ.open()):
        if row["part"] == part:
            dressed = read_dressed(people[row["image"]])
            assert dressed is not None
            garment = largest(garments(dressed.picture, dressed.regions), KINDS[row["place"]])
            assert garment is not None
            yield row, dominant_colour(dressed.picture, garment.worn)[0]


def stored(root: Path, part: str, store: Store) -> dict[tuple[str, str], str | None]:
    """Colours of the portrayed people of a store, named now, by picture and place."""
    people = [person for person in labelled_people("ccp", root / part) if person.label_map is not None]
    pictures, known = {person.image.stem: person.image for person in people}, portrayed(store, people)
    named: dict[tuple[str, str], str | None] = {}
    for path in store.root.glob("segment/*/*/manifest.json"):
        folder = store.shard("segment", path.parent.parent.name, path.parent.name)
        stems = {row["image_id"]: Path(row["uri"]).stem for row in folder.read("images").to_pylist()}
        for row in folder.read("people").to_pylist():
            stem = stems[row["image_id"]]
            if row["person_id"] in known and stem in pictures:
                box = np.array([row[side] for side in ("x1", "y1", "x2", "y2")], np.float32)
                mask = MaskRLE(row["mask_height"], row["mask_width"], row["mask_counts"].encode())
                colours = garment_colours(read_picture(pictures[stem]), box, mask)
                named |= {(stem, "upper"): colours.upper, (stem, "lower"): colours.lower}
    return named


def figures(named: list[Named]) -> dict[str, Any]:
    """How often the names agree, and which terms are taken for which."""
    counted = Counter((right, said or "none") for right, _, said in named)
    return {
        "colours": len(named),
        "right": sum(said in also for _, also, said in named),
        "the_first_term": sum(said == right for right, _, said in named),
        "confusion": {
            right: {said: n for (of, said), n in sorted(counted.items()) if of == right}
            for right in COLOUR_TERMS
        },
    }


def table(title: str, found: dict[str, Any]) -> Iterator[str]:
    """A confusion table as text: rows are right, columns are PAR's."""
    yield f"{title}: {found['right']} of {found['colours']} right, {found['the_first_term']} the first term"
    said = [*COLOUR_TERMS, "none"]
    yield f"{'':8}" + "".join(f"{name[:6]:>7}" for name in said)
    for right, counts in found["confusion"].items():
        yield f"{right:8}" + "".join(f"{counts.get(name, 0) or '.':>7}" for name in said)


def main() -> None:
    """Name, count, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="folder with choose/ and report/, held out")
    parser.add_argument("--store", type=Path, help="a store that holds the photographs of report/")
    parser.add_argument("--text", action="store_true", help="print tables instead of JSON")
    options = parser.parse_args()
    found: dict[str, Any] = {f"survey_{part}": figures(named) for part, named in survey().items()}
    for part in PARTS:
        rows = list(worn(options.root, part))
        terms = [(row, frozenset([row["colour"], *row["also"].split()])) for row, _ in rows]
        found[f"garments_{part}"] = figures(
            [(row["colour"], also, said) for (row, also), (_, said) in zip(terms, rows, strict=True)]
        )
        if options.store and part == "report":
            columns = stored(options.root, part, Store.open(options.store))
            found["stored_report"] = figures(
                [
                    (row["colour"], also, columns[row["image"], row["place"]])
                    for row, also in terms
                    if (row["image"], row["place"]) in columns
                ]
            )
    if options.text:
        print(*(line for title, each in found.items() for line in table(title, each)), sep="\n")
    else:
        print(json.dumps({**found, **provenance(0)}, indent=1))


if __name__ == "__main__":
    main()
