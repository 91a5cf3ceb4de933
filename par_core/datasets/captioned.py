"""People in pictures with sentences about them, for text-based person search. Each of the three sets is one
JSON file, a list with an entry a picture, beside ``imgs/``; ``split`` is train, val or test.

    cuhk-pedes   reid_raw.json        file_path, id, captions, split, processed_tokens (Li et al., CVPR 2017)
    icfg-pedes   ICFG-PEDES.json      the same (Ding et al., arXiv 2107.12666)
    rstpreid     data_captions.json   img_path, id, captions, split (Zhu et al., ACM MM 2021)

The layout is the one that published code reads, such as IRRA's (Jiang and Ye, CVPR 2023,
github.com/anosorae/IRRA, ``datasets/``).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from par_core.datasets.labelled_set import PARTS
from par_core.errors import BadConfigError

__all__ = ["CAPTIONED_SETS", "CaptionedSet", "read_captioned"]

#: Names of the file, and of the field of the picture's path.
CAPTIONED_SETS: Final = {
    "cuhk-pedes": (("reid_raw.json",), "file_path"),
    "icfg-pedes": (("ICFG-PEDES.json", "ICFG_PEDES.json"), "file_path"),
    "rstpreid": (("data_captions.json",), "img_path"),
}
_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class CaptionedSet:
    """Pictures of people with captions.

    Attributes:
        name: Name of the data set.
        images: n files.
        identities: Who is on each.
        captions: One or more sentences about each.
        parts: Indices of pictures by part; empty parts are left out.
    """

    name: str
    images: tuple[Path, ...]
    identities: tuple[str, ...]
    captions: tuple[tuple[str, ...], ...]
    parts: dict[str, tuple[int, ...]]


def read_captioned(name: str, root: Path) -> CaptionedSet:
    """Read a data set of people with captions.

    Args:
        name: One of ``CAPTIONED_SETS``.
        root: Its folder.

    Raises:
        BadConfigError: The file or pictures are missing, or an entry is not as published; names file, entry
            and picture of the first five mistakes.
    """
    if name not in CAPTIONED_SETS:
        raise BadConfigError(f"no data set {name!r} of captions; there are: {', '.join(CAPTIONED_SETS)}")
    files, path_field = CAPTIONED_SETS[name]
    file = next((root / each for each in files if (root / each).is_file()), root / files[0])
    entries = _entries(file)
    mistakes = [
        f"entry {number}{_where(entry, path_field)}: {mistake}"
        for number, entry in enumerate(entries, start=1)
        for mistake in _mistakes(entry, path_field)
    ]
    if mistakes:
        raise BadConfigError(f"{file}, {_first(mistakes)}")
    images = tuple(root / "imgs" / entry[path_field] for entry in entries)
    absent = [str(image) for image in dict.fromkeys(images) if not image.is_file()]
    if absent:
        raise BadConfigError(f"{name}: the captions name pictures that are not there: {_first(absent, ', ')}")
    parts = {part: tuple(i for i, entry in enumerate(entries) if entry["split"] == part) for part in PARTS}
    return CaptionedSet(
        name,
        images,
        tuple(str(entry["id"]) for entry in entries),
        tuple(tuple(entry["captions"]) for entry in entries),
        {part: rows for part, rows in parts.items() if rows},
    )


def _entries(file: Path) -> list[Any]:
    if not file.is_file():
        raise BadConfigError(f"{file} is missing")
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadConfigError(f"{file} is no JSON in UTF-8 ({error})") from error
    if not isinstance(content, list) or not content:
        raise BadConfigError(f"{file} holds no list of pictures")
    return content


def _mistakes(entry: Any, path_field: str) -> Iterator[str]:
    """What is wrong with an entry; the first fault alone."""
    if not isinstance(entry, dict):
        yield f"expected an object, got {entry!r:.60}"
        return
    path, who, captions = entry.get(path_field), entry.get("id"), entry.get("captions")
    if not isinstance(path, str) or not path or Path(path).is_absolute() or ".." in Path(path).parts:
        yield f"{path_field!r} is {path!r}, no path in imgs/"
    elif isinstance(who, bool) or not isinstance(who, int | str) or who == "":
        yield f"'id' is {who!r}, not who it is"
    elif entry.get("split") not in PARTS:
        yield f"'split' is {entry.get('split')!r}, not one of {', '.join(PARTS)}"
    elif not isinstance(captions, list) or not captions:
        yield "there are no captions"
    elif not all(isinstance(caption, str) and caption.strip() for caption in captions):
        yield "a caption is empty or no text"


def _where(entry: Any, path_field: str) -> str:
    path = entry.get(path_field) if isinstance(entry, dict) else None
    return f" ({path})" if isinstance(path, str) else ""


def _first(texts: list[str], between: str = "; ") -> str:
    more = f"{between}and {len(texts) - _EXAMPLES} more" if len(texts) > _EXAMPLES else ""
    return between.join(texts[:_EXAMPLES]) + more
