"""A server over a small store: in this process, or answering on a real port from a thread."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient

from par_core.serve.app import create_app
from par_core.serve.server import address_of, bind, make_server
from par_core.serve.service import ArchiveService
from par_core.serve.settings import ServeSettings
from tests.indexing import FAKE, index
from tests.pictures import archive

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]
HERE = "http://localhost"


def small_store(folder: Path) -> Path:
    """A store of seven people in four pictures; the pictures are in ``folder/photos``."""
    index(folder / "store", [archive(folder / "photos", GROUPS)])
    return folder / "store"


@contextmanager
def client_of(store: Path, settings: ServeSettings | None = None) -> Iterator[TestClient]:
    """A client of the application, without a network."""
    with TestClient(
        create_app(ArchiveService(store, FAKE), settings),
        base_url=HERE,
        headers={"Origin": HERE},
        client=("127.0.0.1", 50_000),
    ) as client:
        yield client


@contextmanager
def answering(app: FastAPI) -> Iterator[str]:
    """A real server on a free port; gives its address."""
    with bind("127.0.0.1", 0) as listening:
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            until = time.monotonic() + 20
            while not server.started:
                assert thread.is_alive()
                assert time.monotonic() < until
                time.sleep(0.01)
            yield address_of(listening, "127.0.0.1")
        finally:
            server.should_exit = True
            thread.join(20)


def jpeg_pixels(content: bytes) -> np.ndarray:
    """A JPEG as (h, w, 3)."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture.convert("RGB"))
