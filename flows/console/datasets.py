"""Output of ``par datasets``: the catalogue and the check of one data set, as lines and as JSON types."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from par_core.datasets.attribute_sets import require_split
from par_core.datasets.catalogue import DATASETS, Dataset, dataset
from par_core.datasets.checking import check_attributes, check_captions, check_outlines
from par_core.datasets.labelled_set import Split
from par_core.errors import BadConfigError

__all__ = ["as_split", "check_dataset", "listing", "listing_lines", "report_lines"]

_SHOWN: Final = 10  # problems
_OPEN_IMAGES: Final = {
    "attributes": "*annotations-bbox.csv",
    "outlines": "*annotations-object-segmentation.csv",
}


def listing() -> list[dict[str, Any]]:
    """Return all data sets of the catalogue as JSON types."""
    return [asdict(each) for each in DATASETS]


def listing_lines() -> Iterator[str]:
    """Yield the catalogue as lines: name and content of each data set, its files, its terms."""
    for each in DATASETS:
        yield f"{each.name:12} {each.holds}"
        yield from (f"{'':12} {file}" for file in each.files)
        yield f"{'':12} {each.terms}"


def check_dataset(name: str, root: Path, split: str) -> dict[str, Any]:
    """Read a data set and return what it holds; its faults are listed under ``problems``.

    Args:
        name: Name of the data set in the catalogue.
        root: Folder of the data set; for ``csv`` the file is accepted too.
        split: Number of an official split, or ``zs``.

    Raises:
        BadConfigError: There is no such data set, split or folder.
    """
    known = dataset(name)
    chosen = as_split(split)
    if not root.exists():
        raise BadConfigError(f"{root} is not there")
    report: dict[str, Any] = {"dataset": name, "root": str(root), "split": chosen, "problems": []}
    for kind in _kinds_here(known, root):
        if kind == "attributes":
            require_split(name, chosen)
            checked = asdict(check_attributes(name, root, chosen))
        elif kind == "captions":
            checked = asdict(check_captions(name, root))
        else:
            checked = asdict(check_outlines(name, root))
        report["problems"] += checked.pop("problems")
        report[kind] = checked
    return report


def _kinds_here(known: Dataset, root: Path) -> Iterator[str]:
    """The kinds of labels to check: all of them, except for Open Images, whose files are fetched one by one:
    there only the kinds whose files exist (all if none does).
    """
    present = (
        [kind for kind, pattern in _OPEN_IMAGES.items() if any(root.glob(pattern))]
        if known.name == "openimages"
        else []
    )
    yield from present or known.kinds


def as_split(text: str) -> Split:
    """Parse a split as typed: a number, or ``zs``.

    Raises:
        BadConfigError: The text is neither.
    """
    if text == "zs":
        return "zs"
    if text.isdigit():
        return int(text)
    raise BadConfigError(f"--split wants a number from 0, or zs, got {text!r}")


def report_lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield the report of ``check_dataset`` as lines."""
    if report.get("attributes", {}).get("people"):
        yield from _attribute_lines(report["attributes"])
    if report.get("captions", {}).get("images"):
        captions = report["captions"]
        yield f"{captions['images']:,} pictures with {captions['captions']:,} captions" + "".join(
            f", {part} {count:,}" for part, count in captions["parts"].items()
        )
        yield from _identity_lines(captions["identities"])
    if report.get("outlines", {}).get("photographs"):
        outlines = report["outlines"]
        empty = outlines["without_people"]
        yield f"{outlines['photographs']:,} photographs, {empty:,} of them without people"
        yield f"{outlines['people']:,} people outlined in the {outlines['decoded']:,} that were read in full"
    problems = report["problems"]
    yield f"{len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}"
    yield from (f"  {problem}" for problem in problems[:_SHOWN])
    if len(problems) > _SHOWN:
        yield f"  and {len(problems) - _SHOWN} more"


def _attribute_lines(checked: dict[str, Any]) -> Iterator[str]:
    yield f"{checked['people']:,} people" + "".join(
        f", {part} {count:,}" for part, count in checked["parts"].items()
    )
    for attribute, share in checked["prevalence"].items():
        labelled = checked["labelled"][attribute]
        yield f"  {attribute:28} " + (
            "nobody labelled"
            if share is None
            else f"{share:7.2%}" + (f" of {labelled:,}" if labelled < checked["people"] else "")
        )
    identities = checked["identities"]
    if identities is None:
        yield "identities: not known, so nobody can tell whether the same people are in two parts"
        return
    yield from _identity_lines(identities)


def _identity_lines(identities: dict[str, Any]) -> Iterator[str]:
    yield f"identities: {identities['people']:,} on {identities['images']:,} images" + "".join(
        f"; {count:,} in {parts}" for parts, count in identities["shared"].items()
    )
    if identities["test_seen"] is not None:
        yield f"test images that show somebody of train: {identities['test_seen']:.1%}"
