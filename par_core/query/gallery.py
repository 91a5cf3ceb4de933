"""The contact sheet: one self-contained HTML file that shows hits, scores, attributes and where everything comes from."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from par_core.query.answer import Hit, SearchResult
from par_core.query.crops import Crop
from par_core.store.layout import write_atomic

__all__ = ["write_gallery"]

_CHIPS: Final = 6  # attributes shown of each person
_SWATCHES: Final = {
    "black": "#1a1a1a",
    "white": "#f5f5f5",
    "grey": "#8c8c8e",
    "red": "#c8202f",
    "orange": "#ee8422",
    "yellow": "#f2d33c",
    "green": "#3a8c4a",
    "blue": "#2f62b5",
    "purple": "#7a3f9b",
    "pink": "#ec8fb0",
    "brown": "#6f4a2f",
    "beige": "#d9c2a3",
}


def write_gallery(path: Path, result: SearchResult, crops: Sequence[Crop], provenance: Mapping[str, str]) -> None:
    """Write the contact sheet.

    Args:
        path: Of the HTML file.
        result: The hits.
        crops: One for each hit.
        provenance: What made the answer (profile, fingerprints, version, command), shown at the foot.
    """
    environment = Environment(loader=PackageLoader("par_core.query"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    cards = [_card(hit, crop) for hit, crop in zip(result.hits, crops, strict=True)]
    page = environment.get_template("gallery.html").render(result=result, cards=cards, provenance=provenance)
    write_atomic(path, page.encode())


def _card(hit: Hit, crop: Crop) -> dict[str, Any]:
    garments = [(where, colour, _SWATCHES[colour]) for where, colour in (("upper", hit.upper_color), ("lower", hit.lower_color)) if colour]
    return {
        "hit": hit,
        "name": hit.uri.rsplit("/", 1)[-1],
        "picture": base64.b64encode(crop.jpeg).decode() if crop.jpeg else None,
        "trouble": crop.trouble,
        "chips": [(name.replace("_", " "), round(100 * hit.attributes[name])) for name in hit.seen[:_CHIPS]],
        "garments": garments,
        "box": ", ".join(f"{value:.0f}" for value in hit.box),
    }
