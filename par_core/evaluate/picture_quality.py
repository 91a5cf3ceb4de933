"""Quality of the pictures of a collection: resolution, GLVN and BRISQUE of each, and the figures of the
paper's table 1 over all of them.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from par_core.archive import Entry, decode, read_entries
from par_core.archive.brisque import brisque_features
from par_core.archive.brisque_model import BrisqueModel
from par_core.archive.quality import glvn
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.status import Status

__all__ = [
    "MEASURES",
    "PictureQuality",
    "group_names",
    "histogram",
    "measure_pictures",
    "summarise",
    "values_of",
]

#: Measures of a picture, by attribute of ``PictureQuality``.
MEASURES: Final = ("megapixels", "glvn", "brisque")

_BATCH: Final = 64  # pictures in memory at once
_BINS: Final = 40
_LAST_PERCENTILE: Final = 99.0

_Values = Float64[np.ndarray, " n"]


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """Measures of one file.

    Attributes:
        uri: URI of the file.
        status: ``ok``, or why it could not be read.
        message: One sentence on the status.
        megapixels: 10^6 pixels; NaN unless ``ok``.
        glvn: At least 0; NaN unless ``ok``.
        brisque: About 0 to 100, low is good; NaN unless ``ok``, for pictures that have none (of one colour,
            or tiny), and without parameters.
    """

    uri: str
    status: Status
    message: str = ""
    megapixels: float = float("nan")
    glvn: float = float("nan")
    brisque: float = float("nan")


def measure_pictures(
    entries: Iterable[Entry], config: ArchiveConfig, model: BrisqueModel | None
) -> Iterator[PictureQuality]:
    """Read and measure every entry, on all cores.

    Args:
        entries: Entries, none with the same uri.
        config: The limits on what is read.
        model: The parameters of BRISQUE; without them it is not computed.

    Yields:
        One row an entry, readable or not.

    Raises:
        TransientError: A remote storage cannot be reached at all.
    """

    def measure(read: tuple[Entry, bytes | UnreadableImageError]) -> PictureQuality:
        entry, content = read
        try:
            if isinstance(content, UnreadableImageError):
                raise content
            pixels = decode(content, config).pixels
        except UnreadableImageError as error:
            return PictureQuality(entry.uri, error.status, error.message)
        score = model.score(brisque_features(pixels)) if model else float("nan")
        return PictureQuality(
            entry.uri, Status.OK, "", pixels.shape[0] * pixels.shape[1] / 1e6, glvn(pixels), score
        )

    reading = read_entries(entries, config)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        while batch := list(islice(reading, _BATCH)):
            yield from threads.map(measure, batch)


def values_of(rows: Sequence[PictureQuality], measure: str) -> _Values:
    """Return the known values of one of ``MEASURES``."""
    values = np.array([getattr(row, measure) for row in rows], np.float64)
    return values[~np.isnan(values)]


def summarise(rows: Sequence[PictureQuality]) -> dict[str, Any]:
    """Compute the figures of table 1.

    Returns:
        ``pictures`` (those that could be read), ``unreadable`` by status, ``megapixels_mean``,
        ``megapixels_std`` (over the pictures, not an estimate of a larger population), ``glvn_median``,
        ``brisque_median`` and ``without_brisque``, the number of pictures that have none. NaN without
        pictures.
    """
    readable = [row for row in rows if row.status is Status.OK]
    megapixels, variances, scores = (values_of(readable, measure) for measure in MEASURES)
    return {
        "pictures": len(readable),
        "unreadable": dict(Counter(row.status.value for row in rows if row.status is not Status.OK)),
        "megapixels_mean": float(megapixels.mean()) if len(megapixels) else float("nan"),
        "megapixels_std": float(megapixels.std()) if len(megapixels) else float("nan"),
        "glvn_median": float(np.median(variances)) if len(variances) else float("nan"),
        "brisque_median": float(np.median(scores)) if len(scores) else float("nan"),
        "without_brisque": len(readable) - len(scores),
    }


def group_names(uris: Sequence[str]) -> list[str]:
    """Return the sub-folder of each file: the first part of its path that is not common to all.

    Args:
        uris: URIs of one source.

    Returns:
        One name a uri; ``.`` for files that lie beside the sub-folders, and for all if there are no
        sub-folders.
    """
    folders = [uri.split("/")[:-1] for uri in uris]
    shared = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False)))
    return [folder[shared] if len(folder) > shared else "." for folder in folders]


def histogram(values: Mapping[str, _Values]) -> dict[str, Any]:
    """Compute histograms of several collections over the same bins.

    Args:
        values: Values by the name of the collection.

    Returns:
        ``edges``: bins of equal width from the lowest value of all to the largest 99th percentile of a
            collection; what is above counts in the last bin.
        ``counts``: by name, one for each bin. No edges if there are no values.
    """
    known = [numbers for numbers in values.values() if len(numbers)]
    if not known:
        return {"edges": [], "counts": {name: [] for name in values}}
    lowest, last = (
        min(float(numbers.min()) for numbers in known),
        max(float(np.percentile(numbers, _LAST_PERCENTILE)) for numbers in known),
    )
    edges = np.linspace(lowest, last if last > lowest else lowest + 1, _BINS + 1)
    counts = {
        name: np.histogram(np.minimum(numbers, edges[-1]), edges)[0].tolist()
        for name, numbers in values.items()
    }
    return {"edges": edges.tolist(), "counts": counts}
