"""How pages are made: templates, and the files that every page needs, with a digest in their address so that browsers may keep them for good."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from par_core import __version__
from par_core.access import Caller
from par_core.serve.desk import COOKIE
from par_core.serve.problems import UnknownIdError

__all__ = ["page", "static_file", "static_url"]

_TYPES: Final = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "par.svg": "image/svg+xml"}


def page(request: Request, template: str, content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Render a template for a request.

    Args:
        request: Tells which colours the reader chose.
        template: File name.
        content: What it shows; all of it is escaped.
        status: Of HTTP.
        headers: Further ones.
    """
    theme = request.cookies.get("par_theme", "")
    theme = theme if theme in ("light", "dark") else "auto"
    caller: Caller | None = getattr(request.state, "caller", None)
    signed_in = caller.name if caller and COOKIE in request.cookies else ""
    html = _environment().get_template(template).render(theme=theme, here=request.url.path, signed_in=signed_in, par_version=__version__, **content)
    return HTMLResponse(html, status, {"Cache-Control": "no-store", "Vary": "Par-Part", **(headers or {})})


def static_url(name: str) -> str:
    """The address of a file; it changes when the file does."""
    return f"/static/{name}?v={_static(name)[1]}"


def static_file(name: str, version: str) -> Response:
    """A file of the page.

    Raises:
        UnknownIdError: There is none of that name.
    """
    if name not in _TYPES:
        raise UnknownIdError("there is no such file")
    content, digest = _static(name)
    kept = "public, max-age=31536000, immutable" if version == digest else "no-cache"
    return Response(content, media_type=_TYPES[name], headers={"Cache-Control": kept, "ETag": f'"{digest}"'})


@lru_cache(maxsize=len(_TYPES))
def _static(name: str) -> tuple[bytes, str]:
    content = (files("par_core.serve") / "static" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader("par_core.serve"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": _percent, "count": _count, "spoken": _spoken, "moment": _moment, "part_name": _part_name}
    environment.globals["static"] = static_url
    return environment


def _percent(share: float) -> str:
    """A share for readers: neither certainty nor impossibility by rounding."""
    if 0 < share < 0.01:
        return "<\u202f1\u202f%"
    return ">\u202f99\u202f%" if 0.99 < share < 1 else f"{100 * share:.0f}\u202f%"


def _count(number: int) -> str:
    """A number with thin spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")


def _spoken(name: str) -> str:
    """A column's name, or a word for programs, as people would say it."""
    return name.replace("_", " ")


def _moment(seconds: float) -> str:
    """A moment in UTC, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _part_name(text: str) -> str:
    """A part of a question as shown; ids say nothing to readers."""
    kinds = {"like person ": "like the person chosen", "like picture ": "like the picture given"}
    return next((told for start, told in kinds.items() if text.startswith(start)), text)
