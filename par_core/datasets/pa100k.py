"""PA-100K (Liu et al. 2017): 100,000 images of 26 attributes, ``annotation.mat`` and ``data/``; one split of
80,000, 10,000 and 10,000.
"""

from pathlib import Path

import numpy as np

from par_core.datasets.labelled_set import PARTS, AttributeSet, Split, assemble
from par_core.datasets.mat_files import as_published, read_mat, texts

__all__ = ["read_pa100k"]


def read_pa100k(root: Path, split: Split) -> AttributeSet:
    """Read PA-100K; it does not say who is who.

    Raises:
        BadConfigError: The file is missing or not as published.
    """
    file = root / "annotation.mat"
    content = read_mat(file, "attributes")
    images: list[Path] = []
    labels: list[np.ndarray] = []
    parts = {}
    with as_published(file):
        names = texts(content["attributes"])
        for part in PARTS:
            listed = [root / "data" / name for name in texts(content[f"{part}_images_name"])]
            parts[part] = range(len(images), len(images) + len(listed))
            images += listed
            labels.append(np.asarray(content[f"{part}_label"], float))
        matrix = np.concatenate(labels)
    return assemble("pa100k", file, names, images, matrix, parts=parts)
