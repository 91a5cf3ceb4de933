"""A store of people of ``crowd.py`` whose photographs exist: the people can be asked for by words, and their
pictures cut.

There are 24 different photographs of 1920 x 1080 pixels (``photos.py``); each image of the store is one of
them with its number behind the end of the picture, so that no two files have the same bytes. Two people stand
in each, in boxes of 150 x 420 pixels. Files are written when they are needed (``write_photographs``): 100,000
people have 50,000 images of about 0.3 MB.
"""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from crowd import NAMES, SIZE, crowd, rows
from photos import natural_photos
from synthetic_format import PEOPLE, write_folder

from par_core.config import load_config
from par_core.models import profiles
from par_core.people.masks import encode_mask
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store
from par_core.store.schemas import index_schema

__all__ = ["write_photographs", "write_store"]

TEMPLATES, WIDTH, HEIGHT = 24, 1_920, 1_080
BOXES = ((400.0, 500.0, 550.0, 920.0), (1_200.0, 450.0, 1_350.0, 870.0))
SHARD = 512  # people


def write_store(root: Path, photographs: Path, people: int, seed: int) -> None:
    """Write the store, and the bytes that all photographs begin with.

    Args:
        root: Folder of the store, which is made.
        photographs: Folder of the photographs, which is made; ``write_photographs`` fills it.
        people: Number of people; even.
        seed: Chooses the people and the photographs.
    """
    templates = _templates(photographs, seed)
    digests = [hashlib.sha256(content) for content in templates]
    store, config = Store.create(root), load_config()
    fingerprint = profiles.embedding_fingerprint(config)
    info = IndexInfo("s", "d", fingerprint, config.profile, tuple(NAMES), (0.5,) * len(NAMES))
    index = PeopleIndex.create(store.index_path, index_schema(NAMES, SIZE), info)
    masks = [_mask(box) for box in BOXES]
    start = 0
    for part in rows(crowd(people, seed), SHARD * 98):
        numbers = np.arange(start, start + len(part))
        images = []
        for number in numbers // 2:
            digest = digests[number % TEMPLATES].copy()
            digest.update(_tail(int(number)))
            images.append(digest.hexdigest()[:32])
        shards = [f"{number // SHARD:016x}" for number in numbers]
        uris = [_path(photographs, int(number)).as_uri() for number in numbers // 2]
        boxes = np.array([BOXES[number % 2] for number in numbers], np.float32)
        made = {
            "image_id": pa.array(images),
            "shard": pa.array(shards),
            "uri": pa.array(uris),
            "uris": pa.array([[uri] for uri in uris]),
            "image_width": pa.array([WIDTH] * len(part)),
            "image_height": pa.array([HEIGHT] * len(part)),
            "height_px": pa.array(boxes[:, 3] - boxes[:, 1]),
            **{name: pa.array(boxes[:, side]) for side, name in enumerate(("x1", "y1", "x2", "y2"))},
        }
        for name, values in made.items():
            field = part.schema.field(name)
            part = part.set_column(part.schema.get_field_index(name), field, values.cast(field.type))
        index.add(part)
        _write_masks(store, part, numbers, masks)
        start += len(part)
    index.optimize()


def write_photographs(photographs: Path, uris: Iterable[str]) -> int:
    """Write the photographs at some places of the store; return their number."""
    templates = [(photographs / f"template-{number}").read_bytes() for number in range(TEMPLATES)]
    written = 0
    for uri in set(uris):
        number = int(uri.rsplit("/", 1)[1].removesuffix(".jpg"))
        _path(photographs, number).write_bytes(templates[number % TEMPLATES] + _tail(number))
        written += 1
    return written


def _path(photographs: Path, number: int) -> Path:
    return photographs.resolve() / f"{number:09d}.jpg"


def _tail(number: int) -> bytes:
    return f"{number:09d}".encode()


def _templates(photographs: Path, seed: int) -> list[bytes]:
    photographs.mkdir(parents=True)
    natural = photographs / "natural"
    natural_photos(natural, TEMPLATES, seed)
    contents = []
    for number, path in enumerate(sorted(natural.iterdir())):
        picture = cv2.resize(cv2.imread(str(path)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        grain = np.random.default_rng(seed + number).normal(0, 4, picture.shape)
        noisy = np.clip(picture + grain, 0, 255).astype(np.uint8)
        contents.append(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
        (photographs / f"template-{number}").write_bytes(contents[-1])
    shutil.rmtree(natural)
    return contents


def _mask(box: tuple[float, float, float, float]) -> str:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    x1, y1, x2, y2 = map(int, box)
    cv2.ellipse(mask, ((x1 + x2) // 2, (y1 + y2) // 2), ((x2 - x1) // 2, (y2 - y1) // 2), 0, 0, 360, 1, -1)
    return encode_mask(mask.astype(bool)).counts.decode("ascii")


def _write_masks(store: Store, part: pa.Table, numbers: np.ndarray, masks: list[str]) -> None:
    for first in range(0, len(part), SHARD):
        here = part.slice(first, SHARD)
        n = len(here)
        counts = [masks[number % 2] for number in numbers[first : first + n]]
        columns = {
            **{
                name: here[name].combine_chunks()
                for name in ("person_id", "image_id", "x1", "y1", "x2", "y2")
            },
            "status": pa.array(["ok"] * n),
            "score": pa.array([0.9] * n),
            "mask_height": pa.array([HEIGHT] * n),
            "mask_width": pa.array([WIDTH] * n),
            "mask_counts": pa.array(counts),
            "mask_area": pa.array([49_480] * n),
        }
        people = pa.table([columns[name].cast(PEOPLE.field(name).type) for name in PEOPLE.names], PEOPLE)
        shard = str(here["shard"][0])
        write_folder(store.root / "segment" / "s" / shard, {"people": people}, {"people": n}, {})
