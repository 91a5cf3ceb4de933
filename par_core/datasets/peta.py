"""PETA (Deng et al. 2014): 19,000 images, 35 of 105 attributes are evaluated, five official splits of 9,500,
1,900 and 7,600.

It goes about in two forms. ``PETA.mat`` with ``images/00001.png`` to ``19000.png`` has the official splits,
but does not say who is who. The archive as its authors publish it has ten folders ``NAME/archive/`` with a
``Label.txt`` each: a line is who it is and the names of what applies, and an image's name begins with who it
is and an underscore. (In CUHK's a line is about one image and begins with its file name, so there everybody
is another person.) It knows people, but has no split.
"""

from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.labelled_set import PARTS, AttributeSet, Split, assemble
from par_core.datasets.mat_files import as_published, from_one, read_mat, texts
from par_core.errors import BadConfigError

__all__ = ["PETA_EVALUATED", "PETA_FOLDERS", "read_peta"]

# fmt: off
#: By the order of PETA.mat, where they are the first columns after four of other kinds.
PETA_EVALUATED: Final = (
    "personalLess30", "personalLess45", "personalLess60", "personalLarger60", "carryingBackpack",
    "carryingOther", "lowerBodyCasual", "upperBodyCasual", "lowerBodyFormal", "upperBodyFormal",
    "accessoryHat", "upperBodyJacket", "lowerBodyJeans", "footwearLeatherShoes", "upperBodyLogo", "hairLong",
    "personalMale", "carryingMessengerBag", "accessoryMuffler", "accessoryNothing", "carryingNothing",
    "upperBodyPlaid", "carryingPlasticBags", "footwearSandals", "footwearShoes", "lowerBodyShorts",
    "upperBodyShortSleeve", "lowerBodyShortSkirt", "footwearSneaker", "upperBodyThinStripes",
    "accessorySunglasses", "lowerBodyTrousers", "upperBodyTshirt", "upperBodyOther", "upperBodyVNeck",
)
# fmt: on
PETA_FOLDERS: Final = (
    "3DPeS",
    "CAVIAR4REID",
    "CUHK",
    "GRID",
    "MIT",
    "PRID",
    "SARC3D",
    "TownCentre",
    "VIPeR",
    "i-LID",
)
_OTHER_COLUMNS: Final = 4
_PREFIXES: Final = ("accessory", "carrying", "footwear", "hair", "lowerBody", "personal", "upperBody")
_SPELT_OTHERWISE: Final = {"footwearSneakers": "footwearSneaker"}  # in Label.txt, in PETA.mat
_PICTURES: Final = (".bmp", ".jpeg", ".jpg", ".png")


def read_peta(root: Path, split: Split) -> AttributeSet:
    """Read PETA from ``PETA.mat``, or from its folders where that is not there or where identities are asked
    for.

    Raises:
        BadConfigError: Neither is there, or not as published; names file and line.
    """
    if (root / "PETA.mat").is_file() and split != "zs":
        return _from_mat(root / "PETA.mat", split)
    for folder in (root, root / "PETA dataset"):
        if any((folder / name / "archive").is_dir() for name in PETA_FOLDERS):
            return _from_folders(folder, split)
    if split == "zs":
        raise BadConfigError(
            f"the split 'zs' of PETA wants to know who is who: {root} holds no folders NAME/archive/ with"
            " Label.txt (PETA.mat does not say)"
        )
    raise BadConfigError(
        f"{root} holds no PETA: PETA.mat is missing, and so are folders NAME/archive/ with Label.txt"
    )


def _from_mat(file: Path, split: int) -> AttributeSet:
    content = read_mat(file, "peta")["peta"]
    with as_published(file):
        cell = content[0][0]
        labels = np.asarray(cell[0], float)[:, _OTHER_COLUMNS : _OTHER_COLUMNS + len(PETA_EVALUATED)]
        names = texts(cell[1])[: len(PETA_EVALUATED)]
        partition = cell[3][split][0][0][0]
        parts = {part: from_one(partition[i]) for i, part in enumerate(PARTS)}
    images = [file.parent / "images" / f"{number:05}.png" for number in range(1, len(labels) + 1)]
    return assemble("peta", file, names, images, labels, parts=parts)


def _from_folders(root: Path, split: Split) -> AttributeSet:
    if split not in (0, "zs"):
        raise BadConfigError(f"the folders of PETA in {root} have no official split {split}; PETA.mat has")
    images: list[Path] = []
    labels: list[list[float]] = []
    identities: list[str] = []
    for name in PETA_FOLDERS:
        folder = root / name / "archive"
        worn = _label_file(folder / "Label.txt")
        for image in sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES):
            who = image.name if name == "CUHK" else image.stem.split("_")[0]
            if who not in worn:
                raise BadConfigError(
                    f"{folder / 'Label.txt'} has no line for {who!r}, of whom {image.name} is a picture"
                )
            images.append(image)
            labels.append([float(attribute in worn[who]) for attribute in PETA_EVALUATED])
            identities.append(f"{name}/{who}")
    return assemble(
        "peta",
        root,
        PETA_EVALUATED,
        images,
        np.array(labels).reshape(len(images), len(PETA_EVALUATED)),
        identities=identities,
    )


def _label_file(file: Path) -> dict[str, set[str]]:
    if not file.is_file():
        raise BadConfigError(f"{file} is missing")
    worn = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if line.strip():
            who, *words = line.split()
            strange = [name for name in words if not name.startswith(_PREFIXES)]
            if strange or not words:
                raise BadConfigError(
                    f"{file}, line {number}: expected who it is and names of PETA's attributes, got"
                    f" {strange[0] if strange else line!r}"
                )
            worn[who] = {_SPELT_OTHERWISE.get(name, name) for name in words}
    return worn
