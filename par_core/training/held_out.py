"""Lay out the people and photographs that the shipped weights never learned from, as the data sets themselves
are laid out: those that choose, those to report on, and all of them.

    python -m par_core.training.held_out --data ../shared/data --out build/held-out
    par evaluate retrieval --dataset ccp --root build/held-out/report

The files are links; nothing is copied. A reader's impressions of gender (``ccp-gender.csv``) are linked too.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from par_core.datasets.merged_labels import IMPRESSIONS, LabelledPerson
from par_core.datasets.outlines import Photo
from par_core.training.attribute_data import read_people
from par_core.training.segmentation_data import split_photos

__all__ = ["GENDER", "lay_out"]

#: A reader's impressions of gender of the people of CCP who were held out from training.
GENDER: Final = Path(__file__).with_name("ccp-gender.csv")


def lay_out(data_dir: Path, out: Path) -> int:
    """Link the held-out parts of every data set; returns how many files.

    Args:
        data_dir: Folder of ``ccp``, ``mit_pedestrian``, ``pennfudan`` and ``coco_people``.
        out: Folder to make; it gets the folders ``choose``, ``report`` and ``all``.
    """
    people, photos = read_people(data_dir), split_photos(data_dir)
    choose = {*_people(data_dir, people.choose), *_photos(data_dir, photos.choose)}
    report = {*_people(data_dir, people.report), *_photos(data_dir, photos.report)}
    for part, files in {"choose": choose, "report": report, "all": choose | report}.items():
        _link(data_dir, out / part, files)
    return len(choose | report)


def _link(data_dir: Path, out: Path, files: set[Path]) -> None:
    for folder in (
        "ccp/annotations/pixel-level",
        "ccp/annotations/image-level",
        "coco_people/polygons",
        "coco_people/boxes",
    ):
        (out / folder).mkdir(parents=True, exist_ok=True)
    links = {out / file.relative_to(data_dir): file for file in files}
    links[out / "ccp" / IMPRESSIONS] = GENDER
    for link, file in links.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(file.resolve())


def _people(data_dir: Path, people: Sequence[LabelledPerson]) -> Iterator[Path]:
    yield data_dir / "ccp" / "label_list.mat"
    for person in people:
        yield person.image
        annotations = [
            data_dir / "ccp" / "annotations" / kind / f"{person.image.stem}.mat"
            for kind in ("pixel-level", "image-level")
        ]
        yield from (file for file in annotations if person.source != "mit" and file.exists())


def _photos(data_dir: Path, kept: Mapping[str, Sequence[Photo]]) -> Iterator[Path]:
    for photo in kept["pennfudan"]:
        yield photo.image
        yield data_dir / "pennfudan" / "PedMasks" / f"{photo.image.stem}_mask.png"
    for photo in (*kept["coco"], *kept["empty"]):
        yield photo.image
        labels = [
            data_dir / "coco_people" / kind / f"{photo.image.stem}.txt" for kind in ("boxes", "polygons")
        ]
        yield from (file for file in labels if file.exists())


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and link."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research data")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    options = parser.parse_args(arguments)
    print(f"{lay_out(options.data, options.out)} files held out: {options.out}")


if __name__ == "__main__":
    main()
