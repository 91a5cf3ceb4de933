"""What an audit of labels is looked through with: a CSV file of everything that is listed, and a contact
sheet of its beginning.

File names come from data sets and may be anything. The contact sheet escapes them, holds no script and asks
for nothing outside of itself.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from par_core.archive import decode
from par_core.atomic import write_atomic
from par_core.config import ArchiveConfig
from par_core.datasets.labelled_set import AttributeSet
from par_core.errors import UnreadableImageError
from par_core.evaluate.audit.suspects import Suspect
from par_core.pages import page_environment
from par_core.reports.thumbnails import jpeg_of_height

__all__ = ["COLUMNS", "write_sheet", "write_suspects"]

#: Of the CSV file; the last four are empty where the whole picture is of one person.
COLUMNS: Final = ("rank", "image", "attribute", "label", "probability", "margin", "x1", "y1", "x2", "y2")
_HEIGHT_PX: Final = 240
_QUALITY: Final = 80


def write_suspects(file: Path, suspects: Sequence[Suspect], data: AttributeSet) -> None:
    """Write the CSV file: a row for each listed label, the path of the picture as its bytes are on disk.

    Args:
        file: Its place.
        suspects: What is listed.
        data: The data set as it was read, with boxes.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for each in suspects:
        box = () if data.boxes is None else data.boxes[each.person].tolist()
        cells = [f"{value:g}" for value in box if not math.isnan(value)] or [""] * 4
        rows.writerow(
            [
                each.rank,
                data.people[each.person].image,
                each.attribute,
                int(each.label),
                f"{each.probability:.6f}",
                f"{each.margin:.6f}",
                *cells,
            ]
        )
    write_atomic(file, text.getvalue().encode("utf-8", "surrogateescape"))


def write_sheet(
    file: Path,
    summary: str,
    suspects: Sequence[Suspect],
    data: AttributeSet,
    pictures: Sequence[Path],
    provenance: Mapping[str, str],
    config: ArchiveConfig,
) -> None:
    """Write the contact sheet: one HTML file with the pictures in it.

    Args:
        file: Its place.
        summary: A sentence of how many labels are listed.
        suspects: What is to be shown, by rank.
        data: The data set as it was read; its paths are shown.
        pictures: Pictures of its people, one each, cut out where the data set has boxes.
        provenance: What made the list, shown at the foot.
        config: How pictures are decoded.
    """
    cards = [
        {
            "suspect": each,
            "jpeg": _picture(pictures[each.person], config),
            "path": data.people[each.person].image,
        }
        for each in suspects
    ]
    title = f"Labels of {data.name} that may be wrong"
    page = (
        page_environment("par_core.reports")
        .get_template("audit.html")
        .render(title=title, summary=summary, cards=cards, provenance=provenance)
    )
    # a name that is no UTF-8 comes with surrogates
    write_atomic(file, page.encode("utf-8", "backslashreplace"))


def _picture(image: Path, config: ArchiveConfig) -> bytes | None:
    """A small JPEG, or None where the picture has been removed meanwhile."""
    try:
        pixels = decode(image.read_bytes(), config).pixels
    except (OSError, UnreadableImageError):
        return None
    return jpeg_of_height(pixels, _HEIGHT_PX, _QUALITY)
