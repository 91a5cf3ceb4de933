"""People who do not exist, as many as wanted, whose embeddings lie as those of real people do.

Embeddings of photographs of people fill few directions: of 625 people of two archives (Clothing Co-Parsing,
MIT pedestrians; ``compact``), eight directions hold 95 % of the variance. Vectors drawn evenly from the
sphere would make every index look worse, and say nothing of people. Here the spread along the principal
directions is that of those people (``SPREAD``); the directions lean on those in which sentences of the real
text encoder differ, so that real questions can be asked; and people come in kinds. ``neighbourhood`` measures
what decides the work of an index, to be compared with real people.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.config import load_config
from par_core.models.profiles import load_text_encoder
from par_core.models.prompting import text_vector
from par_core.store.schemas import index_schema

NAMES = [attribute.name for attribute in ATTRIBUTES]
SIZE = 256
#: (direction, standard deviation along it) of the real people, read off their singular values.
SPREAD = (
    (1, 0.469),
    (2, 0.352),
    (3, 0.284),
    (5, 0.211),
    (9, 0.0765),
    (17, 0.0272),
    (33, 0.0144),
    (49, 0.0099),
    (65, 0.0077),
    (101, 0.0052),
    (151, 0.0033),
)
MIDDLE = 0.615  # length of the mean of the real people's vectors
KINDS = 300
# cosine between the directions in which people differ and those in which sentences do: texts lie beside the
# pictures, not among them
ALIGNED = 0.6
WITHIN = 0.3  # share of the variance that is within a kind of people
COLOURS = ("black", "blue", "grey", "white", "red", "brown", "green", "beige", "pink", "yellow")
DAYS = 200
FIRST_DAY = datetime(2026, 5, 1)
TEXTS = (
    "a woman with a bag",
    "a man in a blue coat",
    "a person with a hat",
    "a man with a hat and a jacket",
    "a woman in a red dress",
    "a person in shorts",
    "a man with glasses",
    "a woman in jeans and boots",
    "a person with a scarf",
    "a man in a black suit",
    "a woman in a white top and a skirt",
    "a man in a grey sweater",
    "a woman with long hair and sunglasses",
    "a person in sandals",
    "a woman in high heels and stockings",
    "a man seen from behind",
    "a woman in a green coat",
    "a person with a belt",
    "a man in a white shirt and blue trousers",
    "a woman in a pink dress with a handbag",
)


@dataclass(frozen=True)
class Crowd:
    """Synthetic people.

    Attributes:
        vectors: (n, 256), float32, L2 norm 1.
        attributes: (n, attributes), probabilities; ``female`` holds for 45 % by a threshold of 0.5.
        colours: (n,), of the upper garment; one in ten is red.
        days: (n,), 0 to 199.
        present: (n,), 98 % of them.
    """

    vectors: np.ndarray
    attributes: np.ndarray
    colours: np.ndarray
    days: np.ndarray
    present: np.ndarray

    def __len__(self) -> int:
        return len(self.vectors)


def questions() -> np.ndarray:
    """(20, 256): the real text encoder's vectors of ``TEXTS``."""
    encoder = load_text_encoder(load_config())
    return np.stack([text_vector(text, encoder) for text in TEXTS])


def crowd(n: int, seed: int) -> Crowd:
    """Draw people."""
    rng = np.random.default_rng(seed)
    axes, middle = _directions()
    spread = np.exp(np.interp(np.log(np.arange(1, axes.shape[1] + 1)), *np.log(np.array(SPREAD)).T))
    kinds = rng.standard_normal((KINDS, len(spread))) * np.sqrt(1 - WITHIN) * spread
    tilt = rng.standard_normal((8, len(NAMES)))
    vectors, attributes = np.empty((n, SIZE), np.float32), np.empty((n, len(NAMES)), np.float32)
    shift = None
    for start in range(0, n, 50_000):
        size = min(50_000, n - start)
        latent = (
            kinds[rng.integers(0, KINDS, size)]
            + rng.standard_normal((size, len(spread))) * np.sqrt(WITHIN) * spread
        )
        points = (MIDDLE * middle + latent @ axes.T).astype(np.float32)
        vectors[start : start + size] = points / np.linalg.norm(points, axis=1, keepdims=True)
        scores = (latent[:, :8] / spread[:8]) @ tilt + rng.standard_normal((size, len(NAMES)))
        shift = np.quantile(scores, 0.55, axis=0) if shift is None else shift
        attributes[start : start + size] = 1 / (1 + np.exp(shift - scores))
    return Crowd(vectors, attributes, rng.choice(COLOURS, n), rng.integers(0, DAYS, n), rng.random(n) < 0.98)


def pictures(n: int, seed: int, of: int) -> np.ndarray:
    """(n, 256): people of the same kinds who are not among the first ``of`` of a seed, to search by."""
    return crowd(of + n, seed).vectors[of:]


def resampled(real: np.ndarray, n: int, seed: int) -> np.ndarray:
    """(n, 256): people between real ones, each somewhere around one of them in the directions of its eight
    nearest.
    """
    rng = np.random.default_rng(seed)
    nearest = np.argsort(-(real @ real.T), axis=1)[:, 1:9]
    made = np.empty((n, real.shape[1]), np.float32)
    for start in range(0, n, 20_000):
        chosen = rng.integers(0, len(real), min(20_000, n - start))
        steps = 0.32 * rng.standard_normal((len(chosen), 8)).astype(np.float32)
        points = real[chosen] + np.einsum("mk,mkd->md", steps, real[nearest[chosen]] - real[chosen][:, None])
        points += 0.002 * rng.standard_normal(points.shape).astype(np.float32)
        made[start : start + len(chosen)] = points / np.linalg.norm(points, axis=1, keepdims=True)
    return made


def rows(people: Crowd, step: int = 50_000) -> Iterator[pa.Table]:
    """The people as rows of the index, of the width that real ones have."""
    schema, rng = index_schema(NAMES, SIZE), np.random.default_rng(0)
    for start in range(0, len(people), step):
        part = slice(start, min(start + step, len(people)))
        size = part.stop - start
        ids = [hashlib.blake2b(str(start + i).encode(), digest_size=16).hexdigest() for i in range(size)]
        uris = [f"s3://archive/gate-{start % 40}/2026/{start + i:09d}.jpg" for i in range(size)]
        columns = {
            **dict.fromkeys(("person_id", "image_id", "shard", "row_digest"), ids),
            "uri": uris,
            "uris": [[uri] for uri in uris],
            "source_state": np.where(people.present[part], "present", "vanished"),
            "captured_at": [
                FIRST_DAY + timedelta(days=int(day), seconds=i % 86_400)
                for i, day in enumerate(people.days[part])
            ],
            "upper_color": people.colours[part],
            "lower_color": people.colours[part][::-1],
            **{name: people.attributes[part, place] for place, name in enumerate(NAMES)},
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(people.vectors[part].reshape(-1)), SIZE),
        }
        for field in schema:
            if field.name not in columns:
                columns[field.name] = (
                    rng.integers(20, 4_000, size)
                    if pa.types.is_integer(field.type)
                    else rng.random(size, np.float32)
                )
        yield pa.table(
            [pa.array(columns[name]).cast(schema.field(name).type) for name in schema.names], schema=schema
        )


def ids_of(people: Crowd) -> dict[str, int]:
    """Row of each ``person_id``."""
    return {hashlib.blake2b(str(i).encode(), digest_size=16).hexdigest(): i for i in range(len(people))}


def neighbourhood(vectors: np.ndarray, queries: np.ndarray) -> dict[str, float]:
    """Median cosine of queries with their 1st, 20th, 100th and 1000th nearest."""
    cosines = np.sort(vectors @ queries.T, axis=0)[::-1]
    return {
        str(rank): round(float(np.median(cosines[rank - 1])), 3)
        for rank in (1, 20, 100, 1_000)
        if rank <= len(vectors)
    }


def _directions() -> tuple[np.ndarray, np.ndarray]:
    """(256, directions): the principal directions of sentences about people, and then any others; and the
    direction of the middle, which is across to them.
    """
    encoder = load_text_encoder(load_config())
    sentences = [f"{who} {how}" for who in ("a man", "a woman", "a person") for how in _looks()]
    vectors = encoder.encode(sentences).astype(np.float64)
    principal = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2][:24]
    basis = np.linalg.qr(
        np.concatenate([principal, np.random.default_rng(0).standard_normal((SIZE - len(principal), SIZE))]).T
    )[0]
    near, far = basis[:, : len(principal)], basis[:, len(principal) : 2 * len(principal)]
    beside = ALIGNED * near + np.sqrt(1 - ALIGNED**2) * far
    rest = ALIGNED * far - np.sqrt(1 - ALIGNED**2) * near
    return np.concatenate([beside, rest, basis[:, 2 * len(principal) : -1]], axis=1), basis[:, -1]


def _looks() -> Iterator[str]:
    for attribute in ATTRIBUTES:
        for noun in attribute.nouns[:2]:
            yield f"with {noun}"
            yield from (f"in {colour} {noun}" for colour in COLOURS)
