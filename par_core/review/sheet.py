"""Contact sheet of a batch: one self-contained HTML file with numbered people, to look at while answers are
typed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from par_core.atomic import write_atomic
from par_core.pages import page_environment
from par_core.query.answer import Hit
from par_core.query.crops import Crop
from par_core.review.session import Batch

__all__ = ["write_sheet"]


def write_sheet(path: Path, text: str, batch: Batch, crops: Sequence[Crop]) -> None:
    """Write the contact sheet of a batch.

    Args:
        path: Path of the HTML file.
        text: Description of the people who are searched.
        batch: The batch to show.
        crops: One crop for each hit of the batch.
    """
    cards = [
        {"crop": crop, "done": hit.person_id not in batch.open, **_place(hit)}
        for hit, crop in zip(batch.hits, crops, strict=True)
    ]
    page = (
        page_environment("par_core.review")
        .get_template("sheet.html")
        .render(text=text, number=batch.number, cards=cards)
    )
    write_atomic(path, page.encode())


def _place(hit: Hit) -> dict[str, Any]:
    folder, _, name = hit.uri.rpartition("/")
    return {"hit": hit, "folder": folder, "name": name}
