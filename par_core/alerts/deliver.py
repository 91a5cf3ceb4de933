"""Telling what is new: by a webhook, and in a JSON file.

A webhook gets one POST for each of the news, in bounded time: three tries of ten seconds. Redirects are not
followed, and nothing of the answer is read but its status. What fails names the host alone: the rest of an
address may be a secret, as the one that signs is.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from par_core.alerts.record import News, SavedSearch
from par_core.atomic import write_atomic
from par_core.errors import BadConfigError, ParError
from par_core.store.lance import PeopleIndex
from par_core.version import __version__

__all__ = ["DeliveryError", "check_webhook", "content_of", "host_of", "send", "write_news"]

_TRY_S: Final = 10.0
_PAUSES_S: Final = (0.5, 2.0)  # before the second and the third try
_MOST_PEOPLE: Final = 1_000  # told with what is known of them; of further ones only how many
_LONGEST: Final = 2_000
_TRY_AGAIN: Final = frozenset([408, 425, 429])  # of the answers that blame the request


class DeliveryError(ParError):
    """A target did not take news."""


def check_webhook(address: str) -> None:
    """Refuse an address to which nothing is sent.

    Raises:
        BadConfigError: It is not of http or https, has no host, or holds a name and a password.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        named = parts.username is not None or parts.password is not None
    except ValueError:
        usable, named = None, False
    if not usable or len(address) > _LONGEST or not address.isprintable() or " " in address:
        raise BadConfigError("a webhook has an address that begins with http:// or https://, and a host")
    if named:
        raise BadConfigError(
            "a webhook's address may not hold a name and a password; sign what is sent by --secret-env"
        )


def host_of(address: str) -> str:
    """Return what may be shown of an address: its scheme and host."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}"


def content_of(search: SavedSearch, news: News, index: PeopleIndex) -> dict[str, Any]:
    """Return news as JSON types.

    Args:
        search: The search.
        news: What is new.
        index: The version that searches read now; who is not in it any more is told by id alone.
    """
    known = {row["person_id"]: row for row in index.rows(news.people[:_MOST_PEOPLE]).to_pylist()}
    people = []
    for person in news.people[:_MOST_PEOPLE]:
        row = known.get(person, {})
        taken = row.get("captured_at")
        people.append(
            {"person_id": person}
            | {name: row.get(name) for name in ("image_id", "uri", "upper_color", "lower_color")}
            | {"captured_at": taken.isoformat() if taken else None}
        )
    return {
        "search": search.name,
        "number": news.number,
        "question": search.text,
        "where": search.where,
        "at": news.at,
        "index_version": news.index_version,
        "new": len(news.people),
        "people": people,
    }


def send(search: SavedSearch, news: News, index: PeopleIndex) -> None:
    """Send news to the webhook of a search.

    Raises:
        DeliveryError: The target did not take them, or the secret is missing.
    """
    address = search.webhook or ""
    check_webhook(address)
    body = json.dumps(content_of(search, news, index), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"par/{__version__}",
        "X-PAR-Search": search.name,
        "X-PAR-Number": str(news.number),
    }
    if search.secret_env is not None:
        secret = os.environ.get(search.secret_env, "")
        if not secret:
            raise DeliveryError(f"nothing is sent unsigned: the variable {search.secret_env} is not set")
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-PAR-Signature"] = f"sha256={signature}"
    host = urlsplit(address).hostname
    said = ""
    for pause in (0.0, *_PAUSES_S):
        time.sleep(pause)
        try:
            status = _posted(address, body, headers)
        except TimeoutError:
            said = f"{host} did not answer within {_TRY_S:.0f} seconds"
        except httpx.HTTPError as error:
            said = f"{host} cannot be reached ({type(error).__name__})"
        else:
            if 200 <= status < 300:
                return
            said = f"{host} answered {status}" + (
                ", a redirect, which is not followed" if 300 <= status < 400 else ""
            )
            if status < 500 and status not in _TRY_AGAIN:
                break
    raise DeliveryError(f"{said}; it is sent again with the next run")


def write_news(path: Path, search: SavedSearch, index: PeopleIndex) -> None:
    """Write all news that are kept of a search into a file, newest first, in one step.

    Raises:
        OSError: It cannot be written.
    """
    news = [content_of(search, one, index) for one in reversed(search.news)]
    content = {"search": search.name, "last_run": search.last_run, "found": search.found, "news": news}
    write_atomic(path, json.dumps(content, ensure_ascii=False, indent=1).encode())


def _posted(address: str, body: bytes, headers: dict[str, str]) -> int:
    """Return the status that an address answers; a thread of its own, for its own event loop."""

    async def post() -> int:
        async with (
            httpx.AsyncClient(follow_redirects=False, timeout=_TRY_S) as client,
            client.stream("POST", address, content=body, headers=headers) as response,
        ):
            return response.status_code

    async def in_time() -> int:
        return await asyncio.wait_for(post(), _TRY_S)

    with _no_addresses_in_logs(), ThreadPoolExecutor(1, "par-webhook") as thread:
        return thread.submit(lambda: asyncio.run(in_time())).result()


@contextmanager
def _no_addresses_in_logs() -> Iterator[None]:
    """Keep httpx from logging the whole address of each request."""
    loggers = [logging.getLogger(name) for name in ("httpx", "httpcore")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
