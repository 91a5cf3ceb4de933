"""What ``par datasets`` tells."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from par_core.datasets.attribute_sets import require_split
from par_core.datasets.catalogue import DATASETS, Dataset, dataset
from par_core.datasets.checking import check_attributes, check_outlines
from par_core.datasets.labelled_set import Split
from par_core.errors import BadConfigError

__all__ = ["as_split", "check_dataset", "listing", "listing_lines", "report_lines"]

_SHOWN: Final = 10  # problems
_OPEN_IMAGES: Final = {
    "attributes": "*annotations-bbox.csv",
    "outlines": "*annotations-object-segmentation.csv",
}


def listing() -> list[dict[str, Any]]:
    """All data sets as JSON types."""
    return [asdict(each) for each in DATASETS]


def listing_lines() -> Iterator[str]:
    """All data sets for reading."""
    for each in DATASETS:
        yield f"{each.name:12} {each.holds}"
        yield from (f"{'':12} {file}" for file in each.files)
        yield f"{'':12} {each.terms}"


def check_dataset(name: str, root: Path, split: str) -> dict[str, Any]:
    """Read a data set; whatever is wrong with it is in ``problems``.

    Args:
        name: One of the catalogue.
        root: Its folder; of ``csv`` also the file.
        split: A number, or ``zs``.

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
            found = asdict(check_attributes(name, root, chosen))
        else:
            found = asdict(check_outlines(name, root))
        report["problems"] += found.pop("problems")
        report[kind] = found
    return report


def _kinds_here(known: Dataset, root: Path) -> Iterator[str]:
    """The kinds of labels to check: all, but of Open Images, whose files are fetched one by one, those that
    are there (if there is any).
    """
    there = (
        [kind for kind, pattern in _OPEN_IMAGES.items() if any(root.glob(pattern))]
        if known.name == "openimages"
        else []
    )
    yield from there or known.kinds


def as_split(text: str) -> Split:
    """A split as typed: a number, or ``zs``.

    Raises:
        BadConfigError: It is neither.
    """
    if text == "zs":
        return "zs"
    if text.isdigit():
        return int(text)
    raise BadConfigError(f"--split wants a number from 0, or zs, got {text!r}")


def report_lines(report: dict[str, Any]) -> Iterator[str]:
    """The report of ``check_dataset`` for reading."""
    if report.get("attributes", {}).get("people"):
        yield from _attribute_lines(report["attributes"])
    if report.get("outlines", {}).get("photographs"):
        found = report["outlines"]
        yield f"{found['photographs']:,} photographs, {found['without_people']:,} of them without people"
        yield f"{found['people']:,} people outlined in the {found['decoded']:,} that were read in full"
    problems = report["problems"]
    yield f"{len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}"
    yield from (f"  {problem}" for problem in problems[:_SHOWN])
    if len(problems) > _SHOWN:
        yield f"  and {len(problems) - _SHOWN} more"


def _attribute_lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['people']:,} people" + "".join(
        f", {part} {count:,}" for part, count in found["parts"].items()
    )
    for attribute, share in found["prevalence"].items():
        of = found["labelled"][attribute]
        yield f"  {attribute:28} " + (
            "nobody labelled"
            if share is None
            else f"{share:7.2%}" + (f" of {of:,}" if of < found["people"] else "")
        )
    told = found["identities"]
    if told is None:
        yield "identities: not known, so nobody can tell whether the same people are in two parts"
        return
    yield f"identities: {told['people']:,} on {told['images']:,} images" + "".join(
        f"; {count:,} in {parts}" for parts, count in told["shared"].items()
    )
    if told["test_seen"] is not None:
        yield f"test images that show somebody of train: {told['test_seen']:.1%}"
