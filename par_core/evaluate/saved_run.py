"""A run that an evaluation saved in its folder, read again for comparisons."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from par_core.errors import BadConfigError
from par_core.evaluate.items import Items, items_of

__all__ = ["SavedRun", "read_run"]


@dataclass(frozen=True, slots=True)
class SavedRun:
    """Content of ``items.parquet`` and ``report.json`` of a folder."""

    folder: Path
    kind: str
    data_digest: str
    about: dict[str, Any]
    items: Items


def read_run(folder: Path) -> SavedRun:
    """Read the run that an evaluation saved in a folder.

    Raises:
        BadConfigError: The folder is not that of a report, or a file is damaged.
    """
    try:
        scores = json.loads((folder / "report.json").read_bytes())
        about = scores["about"]
        thresholds = {name: row["threshold"] for name, row in scores.get("attributes", {}).items()}
        table = pq.read_table(folder / "items.parquet", memory_map=False, partitioning=None)
        return SavedRun(
            folder, about["kind"], about["data_digest"], about, items_of(about["kind"], table, thresholds)
        )
    except FileNotFoundError as error:
        absent = Path(error.filename or "items.parquet").name  # pyarrow names no file
        raise BadConfigError(
            f"{folder} is not the folder of a report: there is no {absent} (par evaluate ... --out {folder})"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise BadConfigError(
            f"the report in {folder} cannot be read ({error!r}); write it again with par evaluate --out"
        ) from error
