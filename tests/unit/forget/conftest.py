from pathlib import Path

import pytest

from tests.forgetting import GROUPS, THUMBNAILS
from tests.indexing import index, live_by_a_gate
from tests.pictures import archive, save, scene


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


@pytest.fixture
def root(tmp_path: Path, photos: Path) -> Path:
    """A store with several versions of its index, the oldest of them live, and thumbnails."""
    root = tmp_path / "store"
    index(root, [photos], THUMBNAILS)
    live_by_a_gate(root)
    save(photos / "0005.png", scene("cyan", seed=31))
    index(root, [photos], THUMBNAILS)
    return root
