"""Erase files and images from the ledger. SQLite writes zeros over what is deleted (``secure_delete``)."""

from collections.abc import Collection

from par_core.store.ledger.accounting import counted
from par_core.store.ledger.database import Ledger

__all__ = ["erase_files", "erase_index_marks"]


def erase_files(
    ledger: Ledger,
    uris: Collection[str],
    files: Collection[tuple[str, int, str]],
    image_ids: Collection[str],
) -> None:
    """Erase rows of files. What the index holds of their images is erased by ``erase_index_marks``.

    Args:
        ledger: The ledger.
        uris: Names of files of which every row goes.
        files: Uri, size and version of further rows that go.
        image_ids: Images of which every row goes.
    """
    images = [(bytes.fromhex(image),) for image in image_ids]
    with ledger.transaction():
        ledger.execute_many("INSERT OR IGNORE INTO touched VALUES (?)", [(uri,) for uri in uris])
        ledger.execute_many("INSERT OR IGNORE INTO touched VALUES (?)", [(uri,) for uri, _, _ in files])
        ledger.execute_many("INSERT OR IGNORE INTO touched_images VALUES (?)", images)
        ledger.execute(
            "INSERT OR IGNORE INTO touched SELECT f.uri FROM touched_images t"
            " CROSS JOIN files f ON f.image_id = t.image_id"
        )
        with counted(ledger):
            ledger.execute("INSERT OR IGNORE INTO dirty SELECT image_id FROM touched_images")
            for table in ("files", "superseded", "also_listed"):
                ledger.execute_many(f"DELETE FROM {table} WHERE uri = ?", [(uri,) for uri in uris])  # noqa: S608
            ledger.execute_many("DELETE FROM files WHERE uri = ? AND size = ? AND version = ?", files)
            ledger.execute_many(
                "DELETE FROM superseded WHERE uri = ? AND size = ? AND version = ? AND image_id IS NULL",
                files,
            )
            for table in ("files", "superseded"):
                ledger.execute_many(f"DELETE FROM {table} WHERE image_id = ?", images)  # noqa: S608
            ledger.execute_many("DELETE FROM person_failures WHERE image_id = ?", images)


def erase_index_marks(ledger: Ledger, image_ids: Collection[str]) -> None:
    """Erase what the ledger knows of images in the index, which holds them no more."""
    images = [(bytes.fromhex(image),) for image in image_ids]
    with ledger.transaction():
        for table in ("dirty", "indexed", "writing"):
            ledger.execute_many(f"DELETE FROM {table} WHERE image_id = ?", images)  # noqa: S608
