"""The contact sheet: one self-contained HTML file that shows hits, scores, attributes and
provenance.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from par_core.atomic import write_atomic
from par_core.pages import page_environment
from par_core.query.answer import Hit, SearchResult
from par_core.query.certainty import certainty
from par_core.query.crops import Crop

__all__ = ["write_gallery"]

_CHIPS: Final = 6  # attributes shown of each person


def write_gallery(
    path: Path, result: SearchResult, crops: Sequence[Crop], provenance: Mapping[str, str]
) -> None:
    """Write the contact sheet.

    Args:
        path: Path of the HTML file.
        result: The hits.
        crops: One for each hit.
        provenance: Profile, fingerprints, version and command behind the answer, shown at the foot.
    """
    cards = [_card(hit, crop) for hit, crop in zip(result.hits, crops, strict=True)]
    page = (
        page_environment("par_core.query")
        .get_template("gallery.html")
        .render(result=result, cards=cards, provenance=provenance, sure=certainty(result))
    )
    write_atomic(path, page.encode())


def _card(hit: Hit, crop: Crop) -> dict[str, Any]:
    box = ", ".join(f"{value:.0f}" for value in hit.box)
    return {
        "hit": hit,
        "crop": crop,
        "name": hit.uri.rsplit("/", 1)[-1],
        "seen": hit.seen[:_CHIPS],
        "box": box,
    }
