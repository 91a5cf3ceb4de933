"""Upkeep of the table, with Lance's own library where LanceDB has no setting.

LanceDB's ``optimize`` merges fragments up to a million rows and more. But a fragment of which one row is
erased must be written again as a whole, so that here they are kept smaller.

Lance is loaded by the first write: searches do without.
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import lance

__all__ = [
    "clean_up",
    "compact",
    "deleted_rows",
    "fragment_numbers",
    "outlived_indexes",
    "rewrite",
    "update_indexes",
]

_FULL: Final = 0.75  # of the rows of a fragment, from which one is not merged with others
_DELETED: Final = 0.1  # share of deleted rows from which a fragment is written again


def compact(folder: Path, rows_a_fragment: int) -> None:
    """Merge small fragments, and write those again of which many rows are deleted; the indexes follow.

    Nearly full fragments are left as they are: each erasure leaves one of them, and merging two would write
    both again for one that is nearly full.

    Args:
        folder: Folder of the table.
        rows_a_fragment: Rows of a merged fragment; Lance puts up to twice as many into one.
    """
    dataset = _opened(folder)
    full = [
        fragment.fragment_id
        for fragment in dataset.get_fragments()
        if fragment.physical_rows - fragment.num_deletions
        >= max(_FULL * rows_a_fragment, (1 - _DELETED) * fragment.physical_rows)
    ]
    dataset.optimize.compact_files(
        target_rows_per_fragment=rows_a_fragment,
        materialize_deletions_threshold=_DELETED,
        excluded_fragment_ids=full,
    )


def rewrite(folder: Path, fragments: Iterable[int], rows_a_fragment: int) -> None:
    """Write some fragments again without their deleted rows, and take these out of the indexes.

    Args:
        folder: Folder of the table.
        fragments: Numbers of the fragments; each holds deleted rows.
        rows_a_fragment: Rows of a fragment; one of twice as many is divided.
    """
    dataset = _opened(folder)
    others = sorted(_numbers(dataset) - set(fragments))
    dataset.optimize.compact_files(
        target_rows_per_fragment=rows_a_fragment,
        materialize_deletions_threshold=0.0,
        excluded_fragment_ids=others,
    )


def update_indexes(folder: Path) -> None:
    """Add the rows to the indexes that came after these were made."""
    _opened(folder).optimize.optimize_indices()


def clean_up(folder: Path, older_than: timedelta) -> None:
    """Delete the versions that are older, but for the newest and those that are tagged, and the files that no
    version needs. Of age zero, files go also that a killed writer has left.
    """
    _opened(folder).cleanup_old_versions(
        older_than, delete_unverified=not older_than, error_if_tagged_old_versions=False
    )


def fragment_numbers(folder: Path) -> set[int]:
    """Return the numbers of all fragments."""
    return _numbers(_opened(folder))


def deleted_rows(folder: Path) -> dict[int, int]:
    """Return the number of deleted rows of each fragment that has some and still holds others, by number."""
    return {
        fragment.fragment_id: fragment.num_deletions
        for fragment in _opened(folder).get_fragments()
        if fragment.num_deletions
    }


def outlived_indexes(folder: Path) -> set[str]:
    """Return the names of the indexes that cover a fragment of which no row is left, but hold its rows."""
    dataset = _opened(folder)
    present = _numbers(dataset)
    return {
        index.name
        for index in dataset.describe_indices()
        if any(not present.issuperset(part.fragment_ids) for part in index.segments)
    }


def _opened(folder: Path) -> "lance.LanceDataset":
    import lance

    return lance.dataset(folder)


def _numbers(dataset: "lance.LanceDataset") -> set[int]:
    return {fragment.fragment_id for fragment in dataset.get_fragments()}
