"""The contact sheet of a batch: one self-contained HTML file with numbered people, to look at while answers are typed."""

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from par_core.hunt.hunting import Batch
from par_core.query.crops import Crop
from par_core.store.layout import write_atomic

__all__ = ["write_sheet"]


def write_sheet(path: Path, text: str, batch: Batch, crops: Sequence[Crop]) -> None:
    """Write the sheet.

    Args:
        path: Of the HTML file.
        text: What is hunted.
        batch: Whom to show.
        crops: One for each hit of the batch.
    """
    environment = Environment(loader=PackageLoader("par_core.hunt"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    cards = [
        {"hit": hit, "picture": base64.b64encode(crop.jpeg).decode() if crop.jpeg else None, "trouble": crop.trouble, "done": hit.person_id not in batch.open}
        for hit, crop in zip(batch.hits, crops, strict=True)
    ]
    write_atomic(path, environment.get_template("sheet.html").render(text=text, number=batch.number, cards=cards).encode())
