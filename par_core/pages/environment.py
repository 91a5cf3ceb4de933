"""Rendering of pages from templates.

A room that makes pages keeps its templates in its own folder ``templates``. Pages that are written to a file
extend ``page.html`` of this room and use ``parts.html``: one file, no scripts, nothing fetched. The pages of
``par serve`` have a frame of their own and share ``palette.css``.
"""

import base64
import re
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

__all__ = ["page_environment"]

_UTC: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\+00:00")


def page_environment(package: str) -> Environment:
    """Return the environment of a package's templates, together with those of this room.

    Every text is escaped, and a name that a template does not know is an error.

    Args:
        package: Name of the room, such as ``par_core.query``; its own templates come first.
    """
    loader = ChoiceLoader([PackageLoader(package), PackageLoader("par_core.pages")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"jpeg_url": _jpeg_url, "percent": _percent, "spoken": _spoken, "dated": _dated}
    return environment


def _percent(share: float) -> str:
    """A share, 0 to 1, as per cent; rounding never turns it into 0 % or 100 %."""
    if 0 < share < 0.01:
        return "<\u202f1\u202f%"
    return ">\u202f99\u202f%" if 0.99 < share < 1 else f"{100 * share:.0f}\u202f%"


def _jpeg_url(jpeg: bytes) -> str:
    """The URL of a picture that lies in the page itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _spoken(name: str) -> str:
    """The name of a column, or a word for programs, in words for people."""
    return name.replace("_", " ")


def _dated(value: object) -> str:
    """A value as text; a moment in UTC is rewritten from the form of programs into that of readers."""
    return _UTC.sub(r"\1 \2 UTC", str(value))
