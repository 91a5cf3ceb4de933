"""Made pictures of people whom a store has forgotten."""

from collections.abc import Iterable
from pathlib import Path

from par_core.made.erasing import erase_copies
from par_core.made.folder import MadeFolder
from par_core.made.plan import MakingPlan
from par_core.store.layout import Store
from par_core.store.suppression import load_suppression_list

__all__ = ["forget_copies", "require_made"]


def require_made(folders: Iterable[Path]) -> None:
    """Check before an erasure that folders hold made pictures.

    Raises:
        BadConfigError: One does not, or is not finished.
        StoreError: One is damaged.
    """
    for folder in folders:
        MadeFolder.open(folder)


def forget_copies(store: Store, folder: Path) -> int:
    """Erase every made picture that holds pixels of an image that the suppression list of a store names: the
    image itself, a person in it, or a place that holds its file.

    Returns:
        How many people of made pictures were erased.

    Raises:
        BadConfigError: The folder holds no made pictures, or is not finished.
        StoreError: Folder or list are damaged.
    """
    forgotten, root = load_suppression_list(store), MakingPlan.open(folder).root

    def is_gone(image: str, file: str) -> bool:
        named = forgotten.has_image(image) or forgotten.has_person_of(image)
        return named or (bool(file) and forgotten.has_place(str(root / file)))

    return erase_copies(folder, is_gone)
