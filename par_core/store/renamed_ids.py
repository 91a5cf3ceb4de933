"""Names that folders of ``segment/`` and ``describe/`` had in earlier versions, kept as ``ids.json``.

What still names a folder by its earlier id, such as the manifest of a description or an index that has not
been committed to since, finds it by this file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from par_core.atomic import write_atomic
from par_core.errors import StoreError

__all__ = ["RenamedIds", "load_renamed_ids", "save_renamed_ids"]


@dataclass(frozen=True, slots=True)
class RenamedIds:
    """Ids that changed.

    Attributes:
        renamed: The id that a configuration has now, by its earlier one.
        finished: Whether all folders and commit records have the new ids.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    finished: bool = True


def load_renamed_ids(root: Path) -> RenamedIds:
    """Return the ids that changed in the store of a folder; none where it has only known this version.

    Raises:
        StoreError: The file is damaged.
    """
    path = root / "ids.json"
    try:
        content = json.loads(path.read_bytes())
        return RenamedIds(dict(content["renamed"]), bool(content["finished"]))
    except FileNotFoundError:
        return RenamedIds()
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete it and run par index again") from error


def save_renamed_ids(root: Path, ids: RenamedIds) -> None:
    """Write the ids that changed in one step."""
    write_atomic(root / "ids.json", json.dumps(asdict(ids), indent=1).encode())
