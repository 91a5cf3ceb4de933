"""Pictures that other programs have made, with the labels that their maker gives them: diffusion, renderers,
networks such as DG-Net. The CSV file is described in docs/made.md.
"""

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cachetools import LRUCache, cached

from par_core.archive import decode
from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.config import ArchiveConfig
from par_core.datasets.csv_labels import LABELS, Row, read_rows
from par_core.errors import BadConfigError, UnreadableImageError
from par_core.ids import image_id
from par_core.made.marking import marked_jpeg
from par_core.made.plan import MakingPlan, Source, Tally
from par_core.made.rows import MadePerson

__all__ = ["import_shard", "plan_import"]

KIND: Final = "import"
_OWN: Final = ("image", "of", "upper", "lower", "part")
_ID: Final = re.compile(r"[0-9a-f]{32}")
_BETWEEN: Final = ";"
_EXAMPLES: Final = 5


def plan_import(folder: Path, pictures: Path, labels: Path, root: Path | None) -> MakingPlan:
    """Plan to take over made pictures of one person each.

    Args:
        folder: Folder of the result.
        pictures: Folder of the pictures.
        labels: CSV file: ``image``, relative to ``pictures``; ``of``, the real pictures it was made from, if
            any; ``upper`` and ``lower``, colour terms; and attributes: 1, 0 or empty.
        root: Folder of the real pictures; needed where ``of`` names files.

    Raises:
        BadConfigError: The file is wrong; names the first five lines.
    """
    rows, known, mistakes = _rows(labels), dict[str, Source](), list[str]()
    place = (root or pictures).resolve()
    for line, row in rows.items():
        try:
            _require(row, pictures)
            for name in _named(row):
                known.setdefault(name, _source(name, root))
        except BadConfigError as error:
            mistakes.append(f"line {line}: {error}")
    if mistakes:
        more = f"; and {len(mistakes) - _EXAMPLES} more" if len(mistakes) > _EXAMPLES else ""
        raise BadConfigError(f"{labels}, {'; '.join(mistakes[:_EXAMPLES])}{more}")
    settings = {
        "pictures": str(pictures.resolve()),
        "labels": str(labels.resolve()),
        "labels_digest": image_id(labels.read_bytes()),
    }
    sources = tuple(known[name] for name in sorted(known))
    return MakingPlan(folder, KIND, settings, "", place, 0, sources, len(rows))


def import_shard(plan: MakingPlan, shard: int) -> None:
    """Take over the pictures of one shard, marked as made, and write its file last. A picture that cannot be
    read is refused with its status.

    Raises:
        BadConfigError: The CSV file is another one than when the run was planned.
    """
    labels = Path(plan.settings["labels"])
    if image_id(labels.read_bytes()) != plan.settings["labels_digest"]:
        raise BadConfigError(f"{labels} has changed since the run was planned; give another folder")
    rows = list(_rows(labels).values())
    known = {source.file: source for source in plan.sources} | {source.id: source for source in plan.sources}
    made, files, refused = list[MadePerson](), dict[str, bytes](), dict[str, int]()
    for item in plan.items_of(shard):
        row = rows[item]
        try:
            content = (Path(plan.settings["pictures"]) / row["image"]).read_bytes()
            picture = decode(content, ArchiveConfig()).pixels
        except OSError:
            refused["missing"] = refused.get("missing", 0) + 1
            continue
        except UnreadableImageError as error:
            refused[error.status.value] = refused.get(error.status.value, 0) + 1
            continue
        name = f"pictures/{item:06d}.jpg"
        files[name] = marked_jpeg(picture, KIND)
        sources = [known[each] for each in _named(row)]
        made.append(_person(plan, row, name, sources))
    plan.finish_shard(shard, made, files, Tally(len(plan.items_of(shard)), len(made), refused))


def _person(plan: MakingPlan, row: Row, name: str, sources: Sequence[Source]) -> MadePerson:
    attributes = {key: LABELS[cell] for key, cell in row.items() if key not in _OWN and cell}
    return MadePerson(
        picture=name,
        kind=KIND,
        of=sources[0].id if sources else "",
        sources=tuple(source.id for source in sources),
        files=tuple(source.file for source in sources),
        labels=attributes,
        upper=row.get("upper") or None,
        lower=row.get("lower") or None,
        seed=plan.seed,
        parameters={"image": row["image"]},
    )


@cached(LRUCache(maxsize=2), lock=threading.Lock())
def _rows(labels: Path) -> dict[int, Row]:
    return read_rows(labels)[1]


def _named(row: Row) -> list[str]:
    return [name for part in row.get("of", "").split(_BETWEEN) if (name := part.strip())]


def _require(row: Row, pictures: Path) -> None:
    if not (pictures / row["image"]).resolve().is_relative_to(pictures.resolve()):
        raise BadConfigError(f"'image' is {row['image']!r}, which lies outside of {pictures}")
    if row.get("part", "train") not in ("", "train"):
        raise BadConfigError(f"'part' is {row['part']!r}, but made pictures are for training alone")
    for name in ("upper", "lower"):
        if row.get(name) and row[name] not in COLOUR_TERMS:
            raise BadConfigError(f"{name!r} is {row[name]!r}, not one of {', '.join(COLOUR_TERMS)}")
    for name, cell in row.items():
        if name not in _OWN and cell not in LABELS:
            raise BadConfigError(f"{name!r} is {cell!r}, not 1, 0 or empty")


def _source(name: str, root: Path | None) -> Source:
    """A real picture by its id or its file."""
    if _ID.fullmatch(name):
        return Source(name, "")
    if root is None:
        raise BadConfigError(f"'of' names the file {name!r}: give the folder of the real pictures by --root")
    file = (root / name).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        raise BadConfigError(f"'of' is {name!r}, no picture in {root} and no id of an image")
    return Source(image_id(file.read_bytes()), name)
