"""Quality of the pictures of people in a store, from the measures of indexing: no picture is read again."""

from par_core.evaluate.picture_quality import PictureQuality
from par_core.evaluate.stored.matching import open_index
from par_core.status import Status
from par_core.store.layout import Store

__all__ = ["stored_quality"]


def stored_quality(store: Store) -> tuple[PictureQuality, ...]:
    """Return the resolution and GLVN of the box of every described person whose file exists; BRISQUE is not
    stored.

    Returns:
        One row a person, by uri.

    Raises:
        StoreError: The store holds no people yet, or is damaged.
    """
    columns = ("uri", "source_state", "megapixels", "glvn")
    rows = [
        row
        for batch in open_index(store).scan(columns)
        for row in batch.to_pylist()
        if row["source_state"] == "present"
    ]
    rows.sort(key=lambda row: (row["uri"], row["megapixels"], row["glvn"]))
    return tuple(
        PictureQuality(row["uri"], Status.OK, megapixels=row["megapixels"], glvn=row["glvn"]) for row in rows
    )
