"""How pages are filled.

A room that makes pages keeps its templates in its own folder ``templates``. Pages that are written to a file
extend ``page.html`` of this room and take from ``parts.html``: one file, no scripts, nothing fetched. What
``par serve`` shows has a frame of its own and shares ``palette.css``.
"""

import base64
import re
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

__all__ = ["page_environment"]

_UTC: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\+00:00")


def page_environment(package: str) -> Environment:
    """Where the templates of a package are found, together with those of this room.

    Every text is escaped, and a name that a template does not know is an error.

    Args:
        package: Of the room, such as ``par_core.query``; its own templates come first.
    """
    loader = ChoiceLoader([PackageLoader(package), PackageLoader("par_core.pages")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"jpeg_url": _jpeg_url, "percent": _percent, "spoken": _spoken, "dated": _dated}
    return environment


def _percent(share: float) -> str:
    """A share, 0 to 1, for readers: neither certainty nor impossibility by rounding."""
    if 0 < share < 0.01:
        return "<\u202f1\u202f%"
    return ">\u202f99\u202f%" if 0.99 < share < 1 else f"{100 * share:.0f}\u202f%"


def _jpeg_url(jpeg: bytes) -> str:
    """A picture that lies in the page itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _spoken(name: str) -> str:
    """A column's name, or a word for programs, as people would say it."""
    return name.replace("_", " ")


def _dated(value: object) -> str:
    """A value as text; a moment in UTC, as programs write it, as readers do."""
    return _UTC.sub(r"\1 \2 UTC", str(value))
