"""Rendering of pages: templates, and the files that every page needs, with a digest in their address so that
browsers may keep them for good.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment

from par_core.access import Caller
from par_core.pages import page_environment
from par_core.plurals import number_of
from par_core.serve.app_state import COOKIE
from par_core.serve.page_query import PageQuery, set_field
from par_core.serve.problems import UnknownIdError
from par_core.tags.change import MOST_AT_ONCE
from par_core.version import __version__

__all__ = ["page", "static_file", "static_url"]

_STATIC: Final = files("par_core.serve") / "static"
_SCRIPTS: Final = ("page.js", "selection.js", "picture.js", "zoom.js", "live.js", "grid.js")
_FILES: Final = {  # folder and type of each
    "palette.css": (files("par_core.pages") / "templates", "text/css; charset=utf-8"),
    "page.css": (_STATIC, "text/css; charset=utf-8"),
    **dict.fromkeys(_SCRIPTS, (_STATIC, "text/javascript; charset=utf-8")),
    "selection.css": (_STATIC, "text/css; charset=utf-8"),
    "par.svg": (_STATIC, "image/svg+xml"),
}


def page(
    request: Request,
    template: str,
    content: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a template for a request.

    Args:
        request: The request; its cookies hold the colours that the reader chose.
        template: File name.
        content: Values for the template; all are escaped.
        status: HTTP status.
        headers: Further headers.
    """
    theme = request.cookies.get("par_theme", "")
    theme = theme if theme in ("light", "dark") else "auto"
    caller: Caller | None = getattr(request.state, "caller", None)
    signed_in = caller.name if caller and COOKIE in request.cookies else ""
    app_state = {
        "theme": theme,
        "here": request.url.path,
        "signed_in": signed_in,
        "admin": caller is not None and caller.may("admin"),
        "reviewer": caller is not None and caller.may("reviewer"),
        "par_version": __version__,
        "most_selected": MOST_AT_ONCE,
        "upload_bytes": request.app.state.app_state.settings.upload_bytes,
    }
    html = _environment().get_template(template).render({**app_state, **content})
    return HTMLResponse(html, status, {"Cache-Control": "no-store", "Vary": "Par-Part", **(headers or {})})


def static_url(name: str) -> str:
    """Return the address of a file; it changes when the file does."""
    return f"/static/{name}?v={_static(name)[1]}"


def static_file(name: str, version: str) -> Response:
    """Return a file of the page.

    Raises:
        UnknownIdError: No file has this name.
    """
    if name not in _FILES:
        raise UnknownIdError("there is no such file")
    content, digest = _static(name)
    kept = "public, max-age=31536000, immutable" if version == digest else "no-cache"
    return Response(
        content, media_type=_FILES[name][1], headers={"Cache-Control": kept, "ETag": f'"{digest}"'}
    )


@lru_cache(maxsize=len(_FILES))
def _static(name: str) -> tuple[bytes, str]:
    content = (_FILES[name][0] / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = page_environment("par_core.serve")
    environment.filters |= {"count": _count, "moment": _moment, "instant": _instant, "part_name": _part_name}
    environment.filters |= {"people": _people}
    environment.filters |= {"tag_url": _tag_url, "time_apart": _time_apart}
    environment.globals["static"] = static_url
    return environment


def _count(number: int) -> str:
    """Return a number with thin spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")


def _people(number: int) -> str:
    """Return a number of people with thin spaces between thousands."""
    return number_of(number, "person", ",").replace(",", "\u202f")


def _moment(seconds: float) -> str:
    """Return a moment in UTC, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _instant(moment: datetime) -> str:
    """Return a moment in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _tag_url(name: str) -> str:
    """Return the address of the people with a tag."""
    return PageQuery(set_field("", "tag", name)).url()


def _time_apart(span: timedelta) -> str:
    """Return a span of time in its largest two units."""
    seconds = int(abs(span).total_seconds())
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    parts = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:,} {name}{'s' if count != 1 else ''}")
    return " ".join(parts[:2]) or "less than a second"


def _part_name(text: str) -> str:
    """Return the text of a part as shown: without ids, which readers do not know."""
    kinds = {"like person ": "like the person chosen", "like picture ": "like the picture given"}
    return next((shown for start, shown in kinds.items() if text.startswith(start)), text)
