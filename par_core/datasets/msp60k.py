"""MSP60K (Jin et al., AAAI 2025): 60,122 people in eight scenes, 57 attributes, one random split and two in
which the scenes of train and test differ.

As its authors' code reads it (github.com/Event-AHU/OpenPAR, ``MSP60K_Benchmark_Dataset``, ``msp.py``):
``images/``; ``random_split.json`` with labels by name of the picture, by part; for the other two
``merged_labels.json``, labels by name, and ``Multi_Sences2.json`` with ``image_names`` by scene, and the
scenes of ``trainval`` and ``test`` of each ``split``. Where these are not there, the pickles that this code
makes of them: ``msp_random_template.pkl``, ``msp_split_1_template.pkl``, ``msp_split_2_template.pkl``.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from par_core.datasets.labelled_set import PARTS, AttributeSet, Split, assemble
from par_core.datasets.mat_files import as_published
from par_core.datasets.pickled_sets import read_pickled_set
from par_core.errors import BadConfigError

__all__ = ["MSP60K_ATTRIBUTES", "read_msp60k"]

# fmt: off
#: In the order of the JSON files; "Riding an scooter" is their spelling.
MSP60K_ATTRIBUTES: Final = (
    "Female", "Child", "Adult", "Elderly", "Fat", "Normal", "Thin", "Bald", "Long hair", "Black hair", "Hat",
    "Glasses", "Mask", "Helmet", "Scarf", "Gloves", "Front", "Back", "Side", "Short sleeves", "Long sleeves",
    "Shirt", "Jacket", "Suit", "Vest", "Cotton-padded coat", "Coat", "Graduation gown", "Chef uniform",
    "Trousers", "Shorts", "Jeans", "Long skirt", "Short skirt", "Dress", "Leather shoes", "Casual shoes",
    "Boots", "Sandals", "Other shoes", "Backpack", "Shoulder bag", "Handbag", "Plastic bag", "Paper bag",
    "Suitcase", "Others", "Making a phone call", "Smoking", "Hands behind back", "Arms crossed", "Walking",
    "Running", "Standing", "Riding a bicycle", "Riding an scooter", "Riding a skateboard",
)
# fmt: on
_RANDOM: Final = "random_split.json"
_LABELS: Final = "merged_labels.json"
_SCENES: Final = "Multi_Sences2.json"
_PICKLES: Final = ("msp_random_template.pkl", "msp_split_1_template.pkl", "msp_split_2_template.pkl")
_EXAMPLES: Final = 5

Labelled = list[tuple[str, list[float]]]


def read_msp60k(root: Path, split: Split) -> AttributeSet:
    """Read MSP60K; it does not say who is who.

    Args:
        root: Its folder.
        split: 0: the random split of train, val and test; 1 and 2: train and test in other scenes.

    Raises:
        BadConfigError: A file is missing or not as published; names the file and the picture.
    """
    number = int(split)
    wanted = [root / _RANDOM] if number == 0 else [root / _LABELS, root / _SCENES]
    if not all(file.is_file() for file in wanted) and (root / _PICKLES[number]).is_file():
        return read_pickled_set("msp60k", root / _PICKLES[number], root / "images")
    parts = _random(wanted[0]) if number == 0 else _by_scene(wanted[0], wanted[1], f"split_{number}")
    file, rows = wanted[0], [row for listed in parts.values() for row in listed]
    names = [name for name, _ in rows]
    (often, times), *_ = Counter(names).most_common(1) or [("", 0)]
    if times > 1:
        raise BadConfigError(f"{wanted[-1]}: the picture {often!r} is there {times} times")
    ends = np.cumsum([len(listed) for listed in parts.values()])
    return assemble(
        "msp60k",
        file,
        MSP60K_ATTRIBUTES,
        [root / "images" / name for name in names],
        np.array([values for _, values in rows]).reshape(-1, len(MSP60K_ATTRIBUTES)),
        parts={
            part: range(end - len(listed), end)
            for end, (part, listed) in zip(map(int, ends), parts.items(), strict=True)
        },
    )


def _random(file: Path) -> dict[str, Labelled]:
    content = _json(file)
    with as_published(file):
        return {part: _checked(file, content[part].items()) for part in PARTS}


def _by_scene(labels_file: Path, scenes_file: Path, split: str) -> dict[str, Labelled]:
    labels, scenes = _json(labels_file), _json(scenes_file)
    parts = {}
    with as_published(scenes_file):
        for part, theirs in (("train", "trainval"), ("test", "test")):
            names = [
                name for scene in scenes["split"][split][theirs] for name in scenes["image_names"][scene]
            ]
            absent = next((name for name in names if name not in labels), None)
            if absent is not None:
                raise BadConfigError(f"{scenes_file}: {labels_file.name} has no labels of {absent!r}")
            parts[part] = _checked(labels_file, ((name, labels[name]) for name in names))
    return parts


def _checked(file: Path, rows: Any) -> Labelled:
    """Names with labels; every mistake is named by its picture, the first five at once."""
    listed = list(rows)
    mistakes = [f"{name!r}: {mistake}" for name, values in listed for mistake in _mistakes(name, values)]
    if mistakes:
        more = f"; and {len(mistakes) - _EXAMPLES} more" if len(mistakes) > _EXAMPLES else ""
        raise BadConfigError(f"{file}, {'; '.join(mistakes[:_EXAMPLES])}{more}")
    return [(name, [float(value) for value in values]) for name, values in listed]


def _mistakes(name: str, values: object) -> Iterator[str]:
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        yield "it is no name of a picture in images/"
    if not isinstance(values, list) or len(values) != len(MSP60K_ATTRIBUTES):
        given = len(values) if isinstance(values, list) else "no"
        yield f"{given} labels instead of {len(MSP60K_ATTRIBUTES)}"
        return
    for attribute, value in zip(MSP60K_ATTRIBUTES, values, strict=True):
        if isinstance(value, bool) or value not in (0, 1):
            yield f"{attribute!r} is {value!r}, neither 0 nor 1"
            return


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise BadConfigError(f"{file} is missing")
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadConfigError(f"{file} is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise BadConfigError(f"{file} holds no object by name")
    return content
