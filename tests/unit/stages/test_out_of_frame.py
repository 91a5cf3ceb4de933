"""Answers about what the frame cuts away, in a store: withheld when it is filled, and taken out of one that
was filled before; and in evaluations and pictures that are searched with.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from par_core.attributes import out_of_frame as rule
from par_core.forget.concerned import every_shard
from par_core.models.fake import FakeDescriber
from par_core.models.profiles import load_describer, load_segmenter
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.query.from_store import Question, ask
from par_core.query.one_picture import people_of
from par_core.stages import person_labels
from par_core.stages.check import verify_store
from par_core.stages.provenance import RULES
from par_core.store.layout import Store
from tests.indexing import FAKE, content, index
from tests.pictures import RGB, save

PORTRAIT, WHOLE, ABOVE = "portrait.png", "whole.png", "above.png"


def picture(height: int, width: int, *, gap: int = 0) -> np.ndarray:
    """A grey picture with a red block of a size that ends so far above the lower edge."""
    image = np.full((120, 120, 3), 128, np.uint8)
    image[120 - gap - height : 120 - gap, 30 : 30 + width] = RGB["red"]
    return image


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A portrait and a whole person that reach the lower edge, and the portrait above it."""
    monkeypatch.setattr(FakeDescriber, "attributes", ("bright", "boots"))
    folder = tmp_path / "photos"
    save(folder / PORTRAIT, picture(80, 60))
    save(folder / WHOLE, picture(100, 20))
    save(folder / ABOVE, picture(80, 60, gap=20))
    return folder


def nothing_hidden(
    boxes: np.ndarray, _areas: np.ndarray, _heights: np.ndarray, names: list[str]
) -> np.ndarray:
    return np.zeros((len(boxes), len(names)), bool)


def rows(root: Path) -> dict[str, dict[str, Any]]:
    return {row["uri"].rsplit("/", 1)[1]: row for row in content(root)}


def test_a_portrait_has_no_answer_about_feet_and_a_whole_person_has(tmp_path: Path, photos: Path) -> None:
    index(tmp_path / "s", [photos])
    people = rows(tmp_path / "s")
    assert [people[name]["boots"] is None for name in (PORTRAIT, WHOLE, ABOVE)] == [True, False, False]
    assert not people[PORTRAIT].get("seen_boots")
    assert all(row["bright"] is not None for row in people.values())
    (hit,) = ask(tmp_path / "s", Question(where="boots is null"), FAKE)[0].hits
    assert "boots" not in hit.attributes
    assert "boots" not in hit.seen


def test_a_store_from_before_the_rule_is_brought_in_line_without_a_model(
    tmp_path: Path, photos: Path, seen: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "s"
    with monkeypatch.context() as before:
        before.setitem(RULES, "out_of_frame", "none")
        before.setattr(person_labels, "out_of_frame", nothing_hidden)
        index(root, [photos])
        assert rows(root)[PORTRAIT]["boots"] is not None
    seen.update(images=0, people=0)
    plan, _ = index(root, [photos])
    assert (plan.new, seen) == (0, {"images": 0, "people": 0})
    brought = content(root)
    index(tmp_path / "anew", [photos])
    assert brought == content(tmp_path / "anew")
    assert not list(index(root, [photos])[0].shards)
    assert content(root) == brought
    assert verify_store(Store.open(root)).problems == ()


def test_evaluations_withhold_the_same_answers(tmp_path: Path, photos: Path) -> None:
    nobody = save(photos / "nobody.png", np.full((60, 90, 3), 128, np.uint8))
    files = [photos / PORTRAIT, photos / WHOLE, photos / ABOVE, nobody]
    (predicted,) = PredictionCache(tmp_path / "cache", compute_here).people(files, [FAKE])
    assert np.isnan(predicted.descriptions.probabilities).tolist() == [
        [False, True],
        [False, False],
        [False, False],
        [False, False],  # nobody was found: the picture is described as it is
    ]


def test_a_picture_that_is_searched_with_withholds_them_too(photos: Path) -> None:
    models = load_segmenter(FAKE), load_describer(FAKE)
    (portrait,), (whole,) = (people_of(image, *models, FAKE) for image in (picture(80, 60), picture(100, 20)))
    assert (set(portrait.attributes), set(whole.attributes)) == ({"bright"}, {"bright", "boots"})


def test_the_digest_of_the_rule_is_recorded(tmp_path: Path, photos: Path) -> None:
    index(tmp_path / "s", [photos])
    shards = list(every_shard(Store.open(tmp_path / "s"), "describe"))
    assert {manifest.info["out_of_frame"] for _, manifest in shards} == {rule.RULE}
