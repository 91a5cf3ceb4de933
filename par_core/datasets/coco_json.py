"""Where COCO's JSON (Lin et al. 2014) and its photographs are in what COCO publishes and label tools export,
and what its ids and categories mean.

    COCO, CVAT      annotations/instances_NAME.json    NAME/, images/NAME/ or images/
    Label Studio    result.json                        images/
    Roboflow        train/_annotations.coco.json       train/
    labelme2coco    annotations.json                   JPEGImages/
    FiftyOne        labels.json                        data/
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any, Final

from par_core.errors import BadConfigError

__all__ = ["LabelFile", "is_coco_json", "read_label_file"]

_PEOPLE: Final = ("person", "people", "persons", "pedestrian", "pedestrians", "human", "humans")
_PARTS: Final = ("", "images", "data", "JPEGImages")
_FIRST: Final = "train"  # of several parts that lie side by side
_SHOWN: Final = 80  # characters of an entry
_YES: Final = ("1", "1.0", "true")


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What a file says of people.

    Attributes:
        file: The file.
        images: Images that are there, as the file lists them, by id.
        places: Their photographs by id.
        people: Annotations of people by id of the image.
        crowded: Ids of images with a crowd.
        problems: A sentence on what the file names and does not hold.
    """

    file: Path
    images: Mapping[str, dict[str, Any]]
    places: Mapping[str, Path]
    people: Mapping[str, list[dict[str, Any]]]
    crowded: frozenset[str]
    problems: tuple[str, ...]


def is_coco_json(root: Path) -> bool:
    """Whether a folder holds a file of labels, by its name."""
    return next(_files(root), None) is not None


def read_label_file(root: Path) -> LabelFile:
    """Read the first file of labels of a folder some of whose photographs are there.

    Raises:
        BadConfigError: There is none, it is not COCO's JSON, or none of its photographs is there.
    """
    trouble: BadConfigError | None = None
    for file in _files(root):
        try:
            return _read(file, root)
        except BadConfigError as error:
            trouble = trouble or error
    raise trouble or BadConfigError(
        f"{root} holds no annotations/instances_NAME.json with a folder NAME of photographs beside it, nor"
        " another layout of COCO's JSON that docs/datasets.md lists"
    )


def _files(root: Path) -> Iterator[Path]:
    """Yield the files that may hold labels, the likeliest first."""
    yield from sorted((root / "annotations").glob("instances_*.json"))
    for pattern in ("*.json", "*/_annotations.coco.json"):
        found = sorted(root.glob(pattern))
        yield from sorted(found, key=lambda file: file.parent.name != _FIRST)


def _read(file: Path, root: Path) -> LabelFile:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        listed = {key: content[key] for key in ("categories", "annotations", "images")}
        if wrong := [key for key, entries in listed.items() if not isinstance(entries, list)]:
            raise TypeError(f"{wrong[0]} is no list")
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise BadConfigError(
            f"{file} is not laid out as COCO's JSON ({type(error).__name__}: {error})"
        ) from error
    odd: dict[str, list[str]] = {}
    names = {
        _id(each["id"]): str(each["name"])
        for each in _whole(listed["categories"], ("id", "name"), "categories", odd)
    }
    wanted = {number for number, name in names.items() if name.strip().lower() in _PEOPLE}
    images, twice = _images_of(listed["images"], odd)
    written = {number: str(each["file_name"]) for number, each in images.items()}
    people: dict[str, list[dict[str, Any]]] = defaultdict(list)
    doubtful = set(twice)
    for each in _whole(listed["annotations"], ("image_id",), "annotations", odd):
        number, category = _id(each["image_id"]), _id(each.get("category_id"))
        if category in wanted:
            people[number].append(each)
        elif category not in names:  # it may be a person
            doubtful.add(number)
            odd.setdefault("annotations of no category that it lists", []).append(f"image {number}")
    if not wanted:
        raise BadConfigError(
            f"{file} has no category named 'person' (or {', '.join(_PEOPLE[1:])}), only:"
            f" {', '.join(sorted(names.values())[:10]) or 'none'}"
        )
    folders = list(dict.fromkeys(_folders(file, root)))
    sure = {number: name for number, name in written.items() if number not in doubtful}
    places = dict(_photographs(sure, folders))
    if not places:
        if odd and not sure:
            raise BadConfigError(f"no photograph of {file} can be used: {next(iter(odd))}")
        example = next(iter(written.values()), "nothing")
        looked = ", ".join(str(folder) for folder in folders if folder.is_dir())
        raise BadConfigError(f"{file} names no photograph that is there, such as {example!r} in {looked}")
    problems = [f"{file}: {len(found)} {what}, such as {found[0]}" for what, found in odd.items()]
    problems += [
        f"{file}: annotations of an image {number!r}, which it does not list"
        for number in sorted(people.keys() - images.keys())
    ]
    gone = [name for number, name in sure.items() if number not in places]
    if gone:
        problems.append(f"{file}: {len(gone)} of {len(written)} photographs are not there, such as {gone[0]}")
    crowded = {
        number
        for number, each in people.items()
        if number in places and any(str(one.get("iscrowd", 0)).lower() in _YES for one in each)
    }
    if crowded:
        example = min(written[number] for number in crowded)
        problems.append(f"{file}: {len(crowded)} photographs with crowds are left out, such as {example}")
    return LabelFile(
        file,
        {number: images[number] for number in places},
        places,
        people,
        frozenset(crowded),
        tuple(problems),
    )


def _whole(
    entries: list[Any], keys: tuple[str, ...], what: str, odd: dict[str, list[str]]
) -> Iterator[dict[str, Any]]:
    """Yield the entries that have some keys; others are passed over and named."""
    for place, each in enumerate(entries):
        if isinstance(each, dict) and all(each.get(key) is not None for key in keys):
            yield each
        else:
            shown = json.dumps(each)[:_SHOWN]
            odd.setdefault(f"{what} without {' and '.join(keys)}", []).append(f"number {place}: {shown}")


def _images_of(
    entries: list[Any], odd: dict[str, list[str]]
) -> tuple[dict[str, dict[str, Any]], frozenset[str]]:
    """Return images by id, and the ids of those that name one file: whose people are in it is not known."""
    images = {_id(each["id"]): each for each in _whole(entries, ("id", "file_name"), "images", odd)}
    of_file: dict[str, list[str]] = defaultdict(list)
    for number, each in images.items():
        of_file[str(each["file_name"])].append(number)
    several = {name: numbers for name, numbers in of_file.items() if len(numbers) > 1}
    if several:
        odd["photographs that are listed under several ids are left out"] = sorted(several)
    return images, frozenset(number for numbers in several.values() for number in numbers)


def _id(number: Any) -> str:
    """An id as text: tools write 7, 7.0 and "7" for the same."""
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _folders(file: Path, root: Path) -> Iterator[Path]:
    """Yield the folders from which a file may name its photographs."""
    name = file.stem.removeprefix("instances_")
    yield from (root / name, root / "images" / name)
    for folder in (root, file.parent):
        yield from (folder / part for part in _PARTS)


def _photographs(names: Mapping[str, str], folders: list[Path]) -> Iterator[tuple[str, Path]]:
    """Yield id and place of each photograph that is there: its name as written, with the slashes of Windows,
    or without folders, in the folder where the one before was, else in any.
    """
    last = folders[0]
    for number, name in names.items():
        path = PureWindowsPath(name) if "\\" in name else Path(name)
        for folder in (last, *folders):
            place = next((folder / form for form in (path, path.name) if (folder / form).is_file()), None)
            if place is not None:
                last = folder
                yield number, place
                break
