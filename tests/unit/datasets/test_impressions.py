"""Impressions of gender are read, checked, and replace weak evidence."""

from pathlib import Path

import numpy as np
import pytest

from par_core.datasets.impressions import read_impressions
from par_core.datasets.merged_labels import NAMES, LabelledPerson, with_gender
from par_core.errors import BadConfigError

FEMALE = NAMES.index("female")


def test_a_file_of_impressions_is_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "gender.csv"
    file.write_text("image,gender\na.jpg,man\nb.jpg,woman\nc.jpg,unclear\n")
    labels = read_impressions(file)
    assert (labels["a.jpg"], labels["b.jpg"]) == (0.0, 1.0)
    assert np.isnan(labels["c.jpg"])
    file.write_text("image,gender\na.jpg,boy\n")
    with pytest.raises(BadConfigError, match="line 2: gender is one of man, woman, unclear, got 'boy'"):
        read_impressions(file)
    file.write_text("image,sex\na.jpg,man\n")
    with pytest.raises(BadConfigError, match="expected image, gender"):
        read_impressions(file)
    with pytest.raises(BadConfigError, match="cannot read impressions"):
        read_impressions(tmp_path / "none.csv")


def test_impressions_are_full_labels_and_others_stay() -> None:
    labels, weights = tuple([1.0] * len(NAMES)), tuple([0.3] * len(NAMES))
    people = [LabelledPerson("ccp-tags", Path(f"{i}.jpg"), None, labels, weights, ()) for i in range(2)]
    first, second = with_gender(people, {"0.jpg": 0.0})
    assert (first.labels[FEMALE], first.weights[FEMALE]) == (0.0, 1.0)
    assert first.labels[FEMALE + 1 :] == labels[FEMALE + 1 :]
    assert first.weights[FEMALE + 1 :] == weights[FEMALE + 1 :]
    assert second == people[1]
